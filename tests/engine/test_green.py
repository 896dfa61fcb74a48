"""The old one serves until the new one is ready, for real processes and real clients."""

from __future__ import annotations

import json
import os
import signal
import socket
import textwrap
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.engine.callers import Callers
from tests.engine.mesh import PYTHON, Mesh, until

SERVER = textwrap.dedent(
    """
    import http.server, os
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            body = str(os.getpid()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *args): pass
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
    """
)

MANIFEST = f"""
    name: green
    services:
      api:
        command: ["{PYTHON}", "server.py"]
        environment: {{PORT: "${{api.port}}", VERSION: "1"}}
        ports: ["8000"]
        health: {{http: /, start_period: 5s}}
        reload: green
"""

RELOADS = int(os.environ.get("DEVBOX_TEST_RELOADS", "8"))


def green(make: Callable[..., Mesh]) -> Mesh:
    made = make(MANIFEST)
    (made.directory / "server.py").write_text(SERVER)
    made.ok("up", "-d", "--wait")
    return made


def port_of(mesh: Mesh) -> int:
    return int(mesh.rows()["api"]["Publishers"][0]["PublishedPort"])


def servers(mesh: Mesh) -> list[psutil.Process]:
    return mesh.processes(" server.py")


def porter(mesh: Mesh) -> psutil.Process:
    (found,) = mesh.processes("door.porter")
    return found


def reloaded(mesh: Mesh) -> int:
    """How many saves were brought to an end well."""
    lines = mesh.ok("events", "--no-follow", "--format", "json").splitlines()
    return sum(json.loads(line)["body"]["is"] == "Reloaded" for line in lines)


def test_no_request_fails_through_saves(mesh: Callable[..., Mesh]) -> None:
    made = mesh(MANIFEST + "        watch: [server.py]\n")
    (made.directory / "server.py").write_text(SERVER)
    made.ok("up", "-d", "--wait")
    with Callers(port_of(made)) as callers:
        for number in range(RELOADS):
            (made.directory / "server.py").write_text(f"{SERVER}\n# {number}\n")
            until(lambda n=number: reloaded(made) == n + 1, what="the reload")  # type: ignore[misc]
    assert callers.failures == []
    assert len(callers.answers) == RELOADS + 1, "each instance answered"
    assert callers.asked > RELOADS * 10
    until(lambda: len(servers(made)) == 1, what="one instance")


def test_a_changed_manifest_goes_the_same_way(mesh: Callable[..., Mesh]) -> None:
    made = green(mesh)
    with Callers(port_of(made)) as callers:
        made.write(MANIFEST.replace('VERSION: "1"', 'VERSION: "2"'))
        made.ok("up", "-d", "--wait")
    assert callers.failures == []
    assert len(callers.answers) == 2


def test_one_that_does_not_start_leaves_the_old_one_serving_and_says_why(mesh: Callable[..., Mesh]) -> None:
    made = green(mesh)
    before = made.pids()["api"]
    with Callers(port_of(made)) as callers:
        (made.directory / "server.py").write_text("def broken(:\n    pass\n")
        done = made.devbox("restart", "api")
        assert done.returncode == 1
        assert "the old one serves: the new one exited with 1: SyntaxError" in done.stderr
        row = made.rows()["api"]
        assert row["Pid"] == before
        assert row["Health"] == "healthy"
        assert "the old one serves: the new one exited with 1: SyntaxError" in made.ok("ps")
        assert "the old one serves" in made.ok("why", "api")
        (made.directory / "server.py").write_text(SERVER)
        made.ok("restart", "api")
    assert callers.failures == []
    assert made.pids()["api"] != before
    assert "the old one serves" not in made.ok("ps")


def test_the_door_outlives_the_supervisor_and_what_it_was_doing_is_finished(mesh: Callable[..., Mesh]) -> None:
    made = green(mesh)
    (made.directory / "server.py").write_text(f"import time; time.sleep(1.5)\n{SERVER}")
    with Callers(port_of(made)) as callers:
        asking = made.spawn("restart", "api")
        until(lambda: len(servers(made)) == 2, what="two instances")
        made.supervisor().send_signal(signal.SIGKILL)
        asking.communicate(timeout=20)
        made.ok("up", "-d", "--wait")
        until(lambda: len(servers(made)) == 1, what="one instance")
    assert callers.failures == []
    assert len(callers.answers) == 2, "the new one took over"


def test_a_porter_that_is_killed_is_replaced(mesh: Callable[..., Mesh]) -> None:
    made = green(mesh)
    first = porter(made)
    first.send_signal(signal.SIGKILL)
    until(lambda: bool(servers(made)) and _porter_pid(made) not in (None, first.pid), what="a new porter")
    with Callers(port_of(made)) as callers:
        made.ok("restart", "api")
    assert callers.failures == []


def _porter_pid(mesh: Mesh) -> int | None:
    found = [process.pid for process in mesh.processes("door.porter")]
    return found[0] if found else None


def test_down_leaves_no_door(mesh: Callable[..., Mesh]) -> None:
    made = green(mesh)
    made.ok("restart", "api")
    made.ok("down", "-v")
    until(lambda: not made.processes(), what="an end of every process")
    assert made.files() == []


def test_a_taken_port_is_said(mesh: Callable[..., Mesh], tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        made = mesh(MANIFEST.replace('"8000"', f'"{port}:{port}"'))
        (made.directory / "server.py").write_text(SERVER)
        done = made.devbox("up", "-d", "--wait")
    assert done.returncode == 1
    assert f"port {port} is taken by pid {os.getpid()}" in done.stderr


def test_one_that_holds_its_port_itself_is_restarted_plainly_and_that_is_said(mesh: Callable[..., Mesh]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    made = mesh(MANIFEST.replace("${api.port}", str(port)).replace('"8000"', f'"{port}:{port}"'))
    (made.directory / "server.py").write_text(SERVER)
    said = made.devbox("up", "-d", "--wait")
    assert f"api is restarted plainly: it holds port {port} itself" in said.stderr
    made.ok("restart", "api")
    assert _porter_pid(made) is None
