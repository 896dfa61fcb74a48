"""A real engine with a few images in it, and meshes of containers that leave nothing behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.docker.engine import CLIENT
from tests.docker.remains import everything, left
from tests.engine.mesh import Mesh

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "tests" / "images"


def docker(*args: str) -> str:
    """What the engine's own client says."""
    return subprocess.run([CLIENT, *args], capture_output=True, text=True, check=True).stdout


def have_images() -> None:
    """Have the images of these tests in the engine."""
    here = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    if "devbox-test/base:latest" not in here or "redis:7" not in here:
        subprocess.run([IMAGES / "base.sh", CLIENT], check=True)


def project_of(mesh: Mesh) -> str:
    """The name that a mesh gives itself."""
    return str(yaml.safe_load(mesh.manifest)["name"])


@pytest.fixture(scope="session")
def engine(engine: None) -> None:
    """An engine that answers, with the test images."""
    have_images()


@pytest.fixture
def mesh(engine: None, tmp_path: Path) -> Iterator[Callable[..., Mesh]]:
    """Makes meshes from manifests; after the test nothing of theirs is in the engine."""
    made: list[Mesh] = []
    before = everything()

    def make(manifest: str, directory: str = "project") -> Mesh:
        env = {**os.environ, "DEVBOX_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
        made.append(Mesh(tmp_path / directory, manifest, env))
        return made[-1]

    yield make
    for each in made:
        each.end()
    assert left(before, {project_of(each) for each in made}) == []
