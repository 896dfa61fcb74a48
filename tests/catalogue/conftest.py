"""Servers of the catalogue on a real engine, with the stand-ins for the images they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.catalogue.box import Box, box
from tests.catalogue.servers import Booted
from tests.meshes.engine import docker


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
