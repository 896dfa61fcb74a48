"""Servers of the catalogue on a real engine, with the stand-ins for the images they name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.catalogue.box import Box, box
from tests.docker.engine import NoEngine, an_engine
from tests.meshes.engine import build, docker

EVERYDAY = {"postgres", "redis", "nats", "rabbitmq"}
"""The entries that every run of the tests boots; `make test-catalogue` boots all of them."""


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
def boxes(engine: None, tmp_path: Path) -> Iterator[Callable[..., Box]]:
    """Makes boxes, and leaves nothing of theirs behind."""
    build("clients")
    made: list[Box] = []

    def make(entry: str, settings: str = "") -> Box:
        made.append(box(tmp_path, entry, settings))
        return made[-1]

    yield make
    for each in made:
        each.mesh.end()
        project = each.mesh.directory.name
        label = f"label=dev.devbox.project={project}"
        assert docker("ps", "-aq", "--filter", label) + docker("volume", "ls", "-q", "--filter", label) == ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A handful of entries, unless all are asked for. The first test to need an image waits for it to be built."""
    for item in list(items):
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.timeout(900))
        name = (
            item.callspec.params.get("name")
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else None
        )
        if name is not None and name not in EVERYDAY and not os.environ.get("DEVBOX_WHOLE_CATALOGUE"):
            items.remove(item)
