"""Each kind of probe against a real server, well and unwell, with the words that a person reads."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from tests.engine.mesh import Mesh, script, until

Make = Callable[..., Mesh]

SERVER = textwrap.dedent(
    """
    import http.server, os
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status = int(self.path.strip("/") or 200)
            self.send_response(status)
            if status == 302: self.send_header("location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"all is calm")
        def log_message(self, *args): pass
    print("now listening", flush=True)
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
    """
)
CLOCK = "interval: 200ms, retries: 2, start_period: 0s, timeout: 1s"


def served(health: str) -> str:
    return (
        f"name: probed\nservices:\n  it:\n    command: {script(SERVER)}\n    ports: ['8000']\n"
        f'    environment: {{PORT: "${{it.port}}"}}\n    health: {health}\n'
    )


@pytest.mark.parametrize(
    ("health", "said"),
    [
        ("{http: /}", "GET /: 200 OK"),
        ("{http: /302}", "GET /302: 302 Found"),
        ('{http: /503, status: "503"}', "GET /503: 503 Service Unavailable"),
        ("{http: /, body: calm}", "GET /: 200 OK"),
        ("{tcp: 8000}", "accepts connections"),
        ('{exec: [sh, -c, "echo fine; exit 0"]}', "fine"),
        ("{log: now lis.*ing}", "now listening"),
    ],
)
def test_well(mesh: Make, health: str, said: str) -> None:
    it = mesh(served(health))
    it.ok("up", "-d", "--wait", "--wait-timeout", "10")
    assert it.rows()["it"]["Health"] == "healthy"
    assert said in it.ok("why", "it")


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("http: /500", "unhealthy: GET /500: 500 Internal Server Error: all is calm"),
        ("http: /, body: storm", "unhealthy: GET /: 200 OK, but the body does not match /storm/"),
        ("tcp: 1", "unhealthy: nobody listens on 127.0.0.1:1"),
        ('exec: [sh, -c, "echo no table; exit 4"]', "unhealthy: sh exited with 4: no table"),
        ("exec: [sh, -c, 'kill -9 $$$$']", "unhealthy: sh was killed by SIGKILL"),
        ("exec: [no-such-probe]", "unhealthy: no-such-probe exited with 127: cannot run no-such-probe"),
        ("exec: [sleep, '9']", "unhealthy: sleep took longer than 1 s"),
        ("log: never said", "unhealthy: no line matches /never said/ yet"),
    ],
)
def test_unwell_says_why(mesh: Make, check: str, said: str) -> None:
    it = mesh(served(f"{{{check}, {CLOCK}}}"))
    done = it.devbox("up", "-d", "--wait", "--wait-timeout", "20")
    assert done.returncode == 1
    assert said in done.stderr


FULL = """
import os, socket, time
server = socket.socket()
server.bind(("127.0.0.1", int(os.environ["PORT"])))
server.listen(0)
waiting = [socket.socket() for _ in range(4)]
for each in waiting:
    each.setblocking(False)
    each.connect_ex(server.getsockname())
time.sleep(3600)
"""
"""A server that takes no connection any more, since those that wait for it already are as many as may wait."""


def test_a_server_that_takes_no_more_connections_says_so(mesh: Make) -> None:
    it = mesh(
        f"""
        name: full
        services:
          it:
            command: {script(FULL)}
            ports: ["8000"]
            environment: {{PORT: "${{it.port}}"}}
            health: {{tcp: 8000, {CLOCK}}}
        """
    )
    assert it.devbox("up", "-d", "--wait", "--wait-timeout", "30").returncode == 1
    until(lambda: it.rows()["it"]["Note"] == "no answer within 1 s", what="the reason")


def test_a_server_that_stops_answering_is_unhealthy_and_well_again_when_it_answers(mesh: Make) -> None:
    it = mesh(served(f"{{http: /, {CLOCK}}}"))
    it.ok("up", "-d", "--wait")
    it.ok("kill", "-s", "STOP", "it")
    until(lambda: it.rows()["it"]["Health"] == "unhealthy", what="unhealthy")
    assert it.rows()["it"]["Note"] == "no answer within 1 s"
    it.ok("kill", "-s", "CONT", "it")
    until(lambda: it.rows()["it"]["Health"] == "healthy", what="healthy again")
    assert it.rows()["it"]["Restarts"] == 0


def test_dependents_wait_until_it_is_healthy(mesh: Make) -> None:
    slow = (
        "import os, time, socket\ntime.sleep(0.6)\n"
        "s = socket.socket(); s.bind(('127.0.0.1', int(os.environ['PORT'])))\n"
        "s.listen(); print('open', flush=True); time.sleep(99)"
    )
    it = mesh(
        f"""
        name: gated
        services:
          slow:
            command: {script(slow)}
            ports: ["8000"]
            environment: {{PORT: "${{slow.port}}"}}
          after:
            command: {script("import time; print('after', flush=True); time.sleep(99)")}
            environment: {{URL: "${{slow.url}}"}}
        """
    )
    it.ok("up", "-d", "--wait")
    rows = it.rows()
    assert rows["after"]["StartedAt"] - rows["slow"]["StartedAt"] > 0.6
    assert rows["after"]["StartedAt"] - rows["slow"]["StartedAt"] < 2.0
