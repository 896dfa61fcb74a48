"""What several kinds of tests share: a real engine, how long a first test may take, and what only runs when named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.engine import NoEngine, an_engine

TESTS = Path(__file__).parent

ONLY_WHEN_NAMED = frozenset({"catalogue", "meshes", "podman"})
"""Folders that are run by who names them: they take minutes, or ports and packages that people have other uses for."""

LIMITS = {"catalogue": 2400, "docker": 600, "meshes": 900, "podman": 600, "shop": 900}
"""Seconds for a test, by folder: whichever is the first waits for an engine, or for images to be built.

A server of the catalogue is started five times, some of them for minutes each on a busy machine.
"""


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An engine that answers."""
    try:
        with an_engine(tmp_path_factory.mktemp("engine") / "dockerd.log"):
            yield
    except NoEngine as exc:
        print(f"\n\n*** NO CONTAINER ENGINE: what needs one did not run: {exc} ***\n")
        if os.environ.get("CI"):
            pytest.fail(str(exc))
        pytest.skip(str(exc))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        limit = LIMITS.get(item.path.relative_to(TESTS).parts[0])
        if limit is not None:
            item.add_marker(pytest.mark.timeout(limit))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    folder = TESTS / collection_path.relative_to(TESTS).parts[0] if collection_path != TESTS else TESTS
    if folder.name not in ONLY_WHEN_NAMED:
        return None
    named = (Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args)
    return None if any(path == folder or folder in path.parents for path in named) else True
