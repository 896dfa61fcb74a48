"""A container that starts at the first connection, and is paused when nobody comes."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

from tests.docker.conftest import docker
from tests.docker.test_green import SERVED
from tests.engine.mesh import Mesh, until

MANIFEST = """
    name: lazybox
    services:
      api:
        image: devbox-test/python
        command: ["python3", "/srv/server.py"]
        init: true
        environment: {PORT: "8000"}
        volumes: ["./srv:/srv:ro"]
        ports: ["8000"]
        health: {http: /, interval: 300ms}
        on_demand: true
        idle_timeout: 2s
"""


def containers(what: str) -> list[str]:
    return docker("ps", "-a", "--filter", "label=dev.devbox.project=lazybox", "--format", what).split()


def test_the_first_connection_starts_it_and_the_next_wakes_it(mesh: Callable[..., Mesh]) -> None:
    made = mesh(MANIFEST)
    (made.directory / "srv").mkdir()
    (made.directory / "srv" / "server.py").write_text(SERVED)
    made.ok("up", "-d", "--wait")
    assert "running" not in containers("{{.State}}")
    port = made.rows()["api"]["Publishers"][0]["PublishedPort"]
    assert f"wakes at the first connection to 127.0.0.1:{port}" in made.ok("ps")

    def ask() -> str:
        return str(urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=40).read().decode())

    first = ask()
    (container,) = containers("{{.ID}}")
    assert container.startswith(first)
    until(lambda: containers("{{.State}}") == ["paused"], what="sleep")
    until(lambda: "sleeping" in made.ok("ps"), what="a word of it")
    assert "unhealthy" not in made.ok("ps")
    assert ask() == first
    assert containers("{{.State}}") == ["running"]
    until(lambda: containers("{{.State}}") == ["paused"], what="sleep again")
    made.ok("down", "-v", "-t", "1")
    assert containers("{{.ID}}") == []
