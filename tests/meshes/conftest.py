"""A real engine for the meshes, which build the images they need themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.engine import NoEngine, an_engine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An engine that answers."""
    try:
        with an_engine(tmp_path_factory.mktemp("engine") / "dockerd.log"):
            yield
    except NoEngine as exc:
        print(f"\n\n*** NO CONTAINER ENGINE: tests/meshes did not run: {exc} ***\n")
        if os.environ.get("CI"):
            pytest.fail(str(exc))
        pytest.skip(str(exc))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test is the first to need an image waits for it to be built."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Only who names this directory means it: it takes minutes, and ports that people have other uses for."""
    here = Path(__file__).parent
    named = (Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args)
    return None if any(path == here or here in path.parents for path in named) else True
