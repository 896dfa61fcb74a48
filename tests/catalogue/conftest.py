"""Servers of the catalogue on a real engine, with the stand-ins for the images they name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.catalogue.box import Box, box
from tests.catalogue.servers import Booted
from tests.docker.engine import NoEngine, an_engine
from tests.meshes.engine import docker


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An engine that answers."""
    try:
        with an_engine(tmp_path_factory.mktemp("engine") / "dockerd.log"):
            yield
    except NoEngine as exc:
        print(f"\n\n*** NO CONTAINER ENGINE: tests/catalogue did not run: {exc} ***\n")
        if os.environ.get("CI"):
            pytest.fail(str(exc))
        pytest.skip(str(exc))


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[Callable[..., Box]]:
    """Makes boxes, and leaves nothing of theirs behind."""
    made: list[Box] = []

    def make(entry: str, booted: Booted, *, engine: bool) -> Box:
        made.append(box(tmp_path, booted.use or entry, booted, engine))
        return made[-1]

    yield make
    for each in made:
        each.mesh.end()
        project = each.mesh.directory.name
        label = f"label=dev.devbox.project={project}"
        if each.engine:
            assert docker("ps", "-aq", "--filter", label) + docker("volume", "ls", "-q", "--filter", label) == ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test is the first to need an image waits for it to be built."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(2400))


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Only who names this directory means it: it takes many minutes, and clients of every protocol."""
    here = Path(__file__).parent
    named = (Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args)
    return None if any(path == here or here in path.parents for path in named) else True
