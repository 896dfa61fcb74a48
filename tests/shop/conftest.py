"""The shop, brought up once for all its tests, with stand-ins for its images."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.mesh import Mesh, until
from tests.meshes.engine import build

ROOT = Path(__file__).parents[2]
IMAGES = ("postgres", "rabbitmq", "redis", "prometheus", "nginx", "pip", "gomod", "node")


@pytest.fixture(scope="session")
def engine(engine: None) -> None:
    """An engine that answers, with what the shop is made of."""
    build(*IMAGES)


@pytest.fixture(scope="session")
def shop(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A copy of profiles/shop, up and healthy."""
    folder = tmp_path_factory.mktemp("shop")
    directory = folder / "shop"
    shutil.copytree(ROOT / "profiles" / "shop", directory)
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    env["COMPOSE_PROJECT_NAME"] = "test-shop"
    mesh = Mesh(directory, (directory / "devbox.yaml").read_text(), env)
    try:
        mesh.ok("up", "-d", "--wait", "--wait-timeout", "300", "--progress", "quiet", limit=400.0)
        yield mesh
    finally:
        mesh.devbox("down", "-v", "--rmi", "local", "-t", "5", limit=120.0)
        until(lambda: not mesh.processes(), 30.0, "the end of the supervisor")
