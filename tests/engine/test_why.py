"""Accidents staged among host processes, and whether `devbox why` names the staged one first."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.mesh import SLEEPER, Mesh, script, until

STAGED_HTTP = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404); self.end_headers()
    def log_message(self, *args): pass
import os
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

READS_ENV = "import os\nprint('connecting')\nint(os.environ['POOL_SIZE'])\n"
READS_CONFIG = "import pathlib, tomllib\ntomllib.loads(pathlib.Path('service.toml').read_text())\n"
MIGRATION = "import sys\nprint('ERROR: relation \"orders\" already exists', file=sys.stderr)\nsys.exit(1)\n"
CRASHES = "import os, signal\nprint('decoding', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)\n"
BROKER = "raise SystemExit('cannot read the queue file')"
LICENCE = "raise ConnectionError('no licence')"


def manifest(port: int) -> str:
    waits = "condition: service_healthy"
    return f"""
name: accidents
services:
  porttaken: {{command: {script(SLEEPER)}, ports: ["{port}:{port}"]}}
  wrongenv: {{command: {script(READS_ENV)}, environment: {{POOL_SIZE: ten}}}}
  migrate: {{command: {script(MIGRATION)}}}
  migrated:
    command: {script(SLEEPER)}
    depends_on: {{migrate: {{condition: service_completed_successfully}}}}
  broker: {{command: {script(BROKER)}, restart: always, ports: ["5672"]}}
  consumer: {{command: {script(SLEEPER)}, depends_on: {{broker: {{{waits}}}}}}}
  notallowed: {{command: ./start.sh}}
  directory: {{command: ./scripts}}
  probepath:
    command: {script(STAGED_HTTP)}
    ports: ["8000"]
    environment: {{PORT: "${{probepath.port}}"}}
    health: {{http: /helth, interval: 100ms, retries: 2, start_period: 0s}}
  segfault: {{command: {script(CRASHES)}}}
  licence: {{command: {script(LICENCE)}, ports: ["8001"]}}
  middle: {{command: {script(SLEEPER)}, depends_on: {{licence: {{{waits}}}}}}}
  top: {{command: {script(SLEEPER)}, depends_on: {{middle: {{{waits}}}}}}}
  config: {{command: {script(READS_CONFIG)}}}
  killed: {{command: {script(SLEEPER)}}}
"""


WAITING = ("migrated", "consumer", "middle", "top")
"""Those that nothing befalls but what they wait for."""


@pytest.fixture(scope="module")
def accidents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """One mesh in which all of it has happened."""
    folder = tmp_path_factory.mktemp("accidents")
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(Path(__file__).parents[2])}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        mesh = Mesh(folder / "project", manifest(taken.getsockname()[1]), env)
        (mesh.directory / "start.sh").write_text("#!/bin/sh\nsleep 3600\n")
        (mesh.directory / "scripts").mkdir()
        (mesh.directory / "service.toml").write_text("[listen]\nport = eighty\n")
        try:
            mesh.devbox("up", "-d")
            until(lambda: mesh.rows()["killed"]["State"] == "running", what="the one to be killed")
            os.kill(mesh.pids()["killed"], signal.SIGKILL)
            until(lambda: not unsettled(mesh), 20.0, "every accident")
            yield mesh
        finally:
            mesh.end()


def unsettled(mesh: Mesh) -> list[str]:
    """What did not come to grief yet."""

    def ended(row: dict[str, Any]) -> bool:
        unwell = row["Health"] == "unhealthy" and "404" in row["Note"]
        return row["State"] == "failed" or unwell or "crash loop" in row["Note"]

    return [name for name, row in mesh.rows().items() if name not in WAITING and not ended(row)]


def why(mesh: Mesh, service: str) -> dict[str, Any]:
    """What `devbox why` says, for programs."""
    return dict(json.loads(mesh.ok("why", service, "--format", "json")))


@pytest.mark.parametrize(
    ("service", "culprit", "cause", "line"),
    [
        ("porttaken", "porttaken", r"port \d+ is taken by pid \d+", ""),
        ("wrongenv", "wrongenv", r"^exited with 1", r"^ValueError: invalid literal .*'ten'$"),
        ("migrated", "migrate", r"^exited with 1", r'^ERROR: relation "orders" already exists$'),
        ("consumer", "broker", r"^crash loop: .*exited with 1", r"^cannot read the queue file$"),
        ("notallowed", "notallowed", r"start\.sh is not executable", ""),
        ("directory", "directory", r"scripts is a directory", ""),
        ("probepath", "probepath", r"^unhealthy: GET /helth: 404", ""),
        ("segfault", "segfault", r"^crashed \(SIGSEGV\)", ""),
        ("top", "licence", r"^exited with 1", r"^ConnectionError: no licence$"),
        ("config", "config", r"^exited with 1", r"^tomllib\.TOMLDecodeError: .*line 2"),
        ("killed", "killed", r"^killed by SIGKILL from outside", ""),
    ],
)
def test_the_staged_accident_is_named_first(accidents: Mesh, service: str, culprit: str, cause: str, line: str) -> None:
    said = why(accidents, service)
    assert said["culprit"] == culprit, said
    assert re.search(cause, said["first_cause"]), said
    assert re.search(line, said["error_line"]) if line else not said["error_line"], said
    assert said["try_next"], said


STORE = """
import os, socket
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
kept = []
while True:
    kept.append(server.accept()[0])
"""
FRONT = """
import http.server, os, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            socket.create_connection(("127.0.0.1", int(os.environ["STORE"]))).close()
            self.send_response(200)
        except OSError:
            self.send_response(503)
        self.end_headers()
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
WORKER = """
import os, socket
store = socket.create_connection(("127.0.0.1", int(os.environ["STORE"])))
store.recv(1)
raise SystemExit("the store hung up")
"""
CHAIN = f"""
name: chain
services:
  store: {{command: {script(STORE)}, ports: ["6000"], environment: {{PORT: "${{store.port}}"}}}}
  front:
    command: {script(FRONT)}
    ports: ["8000"]
    environment: {{PORT: "${{front.port}}", STORE: "${{store.port}}"}}
    health: {{http: /, interval: 200ms, retries: 2}}
  worker: {{command: {script(WORKER)}, environment: {{STORE: "${{store.port}}"}}}}
  queue:
    command: {script(STORE)}
    restart: always
    ports: ["6001"]
    environment: {{PORT: "${{queue.port}}"}}
  consumer: {{command: {script(WORKER)}, environment: {{STORE: "${{queue.port}}"}}}}
"""


def test_what_fell_with_its_dependency_is_traced_to_it(mesh: Callable[..., Mesh]) -> None:
    it = mesh(CHAIN)
    it.ok("up", "-d", "--wait")
    pids = it.pids()
    for name in ("store", "queue"):
        os.kill(pids[name], signal.SIGKILL)

    def fallen() -> bool:
        rows = it.rows()
        down = all(rows[name]["State"] == "failed" for name in ("store", "worker", "consumer"))
        return down and rows["front"]["Health"] == "unhealthy" and rows["queue"]["Health"] == "healthy"

    until(fallen, 20.0, "the fall")
    for service in ("front", "worker"):
        said = why(it, service)
        assert (said["culprit"], said["first_cause"]) == ("store", "killed by SIGKILL from outside"), said
        assert {"store", service} <= {event["service"] for event in said["chain"]}
    said = why(it, "consumer")
    assert said["culprit"] == "queue", said
    assert said["first_cause"] == "killed by SIGKILL; it was started again", said
    text = it.ok("why", "worker")
    assert "it begins with store: killed by SIGKILL from outside" in text
    assert "│ the store hung up" in text
