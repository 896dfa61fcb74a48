"""Meshes on real processes, each with a state directory of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.mesh import Mesh

ROOT = Path(__file__).parents[2]


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Callable[..., Mesh]]:
    """Makes meshes from manifests, and takes them away again."""
    made: list[Mesh] = []

    def make(manifest: str, directory: str = "project") -> Mesh:
        env = {**os.environ, "DEVBOX_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
        made.append(Mesh(tmp_path / directory, manifest, env))
        return made[-1]

    yield make
    for each in made:
        each.end()
