"""Images built: what is left out of the context, and what is said when a step fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.docker.conftest import docker
from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]


def manifest(dockerfile: str, more: str = "") -> str:
    lines = "\n".join(f"          {line}" for line in dockerfile.splitlines())
    return f"""name: t3build
services:
  it:
    image: t3build/it
    command: sleep 3600
    stop_grace_period: 0s
    build:
      context: .
      dockerfile_inline: |
{lines}
{more}"""


@pytest.fixture(autouse=True)
def _no_image_left() -> object:
    yield
    if docker("image", "ls", "-q", "t3build/it").split():
        docker("image", "rm", "-f", "t3build/it")


def test_a_build_error_shows_the_failing_step_and_its_output(mesh: Make) -> None:
    it = mesh(manifest("FROM devbox-test/base\nRUN echo fine\nRUN echo words of the tool >&2; exit 7\n"))
    done = it.devbox("up", "-d")
    assert done.returncode == 1
    assert "RUN echo words of the tool" in done.stderr
    assert "words of the tool" in done.stderr.replace("RUN echo words of the tool", "")
    assert "7" in done.stderr


def test_what_dockerignore_names_is_left_out(mesh: Make) -> None:
    it = mesh(manifest("FROM devbox-test/base\nCOPY . /all\n"))
    (it.directory / ".dockerignore").write_text("secret*\n!secret-but-kept\n")
    for name in ("kept", "secret-one", "secret-but-kept"):
        (it.directory / name).touch()
    it.ok("up", "-d")
    there = docker("exec", "t3build-it-1", "ls", "/all").split()
    assert {"kept", "secret-but-kept"} <= set(there)
    assert "secret-one" not in there


def test_args_target_and_labels_reach_the_image(mesh: Make) -> None:
    dockerfile = (
        "FROM devbox-test/base AS first\nARG WHO\nRUN echo hello $$WHO > /greeting\nFROM first AS second\nRUN exit 1\n"
    )
    it = mesh(manifest(dockerfile, "      args: {WHO: world}\n      target: first\n      labels: {own: label}\n"))
    it.ok("up", "-d")
    assert docker("exec", "t3build-it-1", "cat", "/greeting") == "hello world\n"
    assert docker("image", "inspect", "-f", '{{index .Config.Labels "own"}}', "t3build/it").strip() == "label"
