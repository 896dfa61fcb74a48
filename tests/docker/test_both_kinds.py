"""Host processes and containers in one mesh: each reaches the other by the address that the manifest gives it."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.docker.conftest import docker
from tests.docker.remains import running
from tests.engine.mesh import HTTP_SERVER, Mesh, script, until

Make = Callable[..., Mesh]

_DIAL = """import os, socket, time
host, port = os.environ["THERE"].removeprefix("http://").split(":")
line = socket.create_connection((host, int(port)), 5)
line.sendall({!r})
print("answer", line.recv(1024).split()[0], flush=True)
time.sleep(3600)
"""
ASK_WEB = _DIAL.format(b"GET / HTTP/1.0\r\n\r\n")
ASK_CACHE = _DIAL.format(b"PING\r\n")

MANIFEST = f"""
name: t3both
services:
  web:
    command: {script(HTTP_SERVER)}
    ports: ["127.0.0.1:17311:17311"]
    environment: {{PORT: "17311"}}
  cache: {{image: "redis:7", ports: ["127.0.0.1:17312:6379"]}}
  process:
    command: {script(ASK_CACHE)}
    environment: {{THERE: "${{cache.host}}:${{cache.port}}"}}
  box:
    image: devbox-test/base
    entrypoint: [python3, -c]
    command: {json.dumps([ASK_WEB])}
    init: true
    stop_grace_period: 0s
    environment: {{THERE: "${{web.url}}"}}
"""


def test_each_kind_dials_the_other(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--wait")
    until(lambda: "answer b'HTTP/1.0'" in it.ok("logs", "box"), 20, "the process's answer to a container")
    until(lambda: "answer b'+PONG'" in it.ok("logs", "process"), 20, "the container's answer to a process")
    assert len(running("t3both")) == 2
    it.ok("restart", "web")
    it.ok("up", "-d", "--wait", "--force-recreate", "box")
    until(lambda: docker("logs", "t3both-box-1") == "answer b'HTTP/1.0'\n", 20, "the answer to a new container")
