"""Accidents staged in containers, and whether `devbox why` names the staged one first."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.engine.mesh import Mesh, until

Make = Callable[..., Mesh]

HUNGRY = json.dumps(["python3", "-c", "print('filling', flush=True); x = b'x' * (200 << 20)"])
WRITES = json.dumps(["python3", "-c", "open('/data/file', 'wb').write(b'x' * (1 << 20))"])
CRASHES = json.dumps(["python3", "-c", "import os; os.kill(os.getpid(), 11)"])

MANIFEST = f"""
name: t7bwhy
x-box: &box {{image: devbox-test/base, stop_grace_period: 0s}}
services:
  hungry: {{<<: *box, init: true, command: {HUNGRY}, mem_limit: 48m, memswap_limit: 48m}}
  full: {{<<: *box, command: {WRITES}, tmpfs: ["/data:size=64k"]}}
  segfault: {{<<: *box, init: true, command: {CRASHES}}}
  denied: {{<<: *box, entrypoint: [], command: [/etc/passwd]}}
  noimage: {{image: "localhost:1/nobody/nothing:1"}}
  nobind:
    <<: *box
    command: sleep 3600
    volumes: [{{type: bind, source: ./nowhere, target: /data, bind: {{create_host_path: false}}}}]
  above: {{<<: *box, command: sleep 3600, depends_on: [noimage]}}
"""


def why(mesh: Mesh, service: str) -> dict[str, Any]:
    """What `devbox why` says, for programs."""
    return dict(json.loads(mesh.ok("why", service, "--format", "json")))


def test_what_befalls_containers_is_named_first(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.devbox("up", "-d")
    until(
        lambda: all(row["State"] == "failed" for name, row in it.rows().items() if name != "above"),
        30.0,
        "every accident",
    )
    staged = {
        "hungry": ("hungry", r"^killed: out of memory", ""),
        "full": ("full", r"^exited with 1", r"^OSError: \[Errno 28\] No space left on device"),
        "segfault": ("segfault", r"^crashed \(SIGSEGV\)$", ""),
        "denied": ("denied", r"/etc/passwd.*permission denied", ""),
        "noimage": ("noimage", r"localhost:1/nobody/nothing:1", ""),
        "nobind": ("nobind", r"nowhere", ""),
        "above": ("noimage", r"localhost:1/nobody/nothing:1", ""),
    }
    for service, (culprit, cause, line) in staged.items():
        said = why(it, service)
        assert said["culprit"] == culprit, said
        assert re.search(cause, said["first_cause"]), said
        assert re.search(line, said["error_line"]), said
        assert said["try_next"], said


class Passage:
    """A socket that leads to the engine, for as long as it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: socket.socket | None = None
        self._ends: list[socket.socket] = []

    def open(self) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(64)
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def close(self) -> None:
        """Cut what is under way, and let nobody in."""
        self.path.unlink(missing_ok=True)
        for each in [*self._ends, *([self._server] if self._server else [])]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._ends, self._server = [], None

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                self._ends += [near, far]
                threading.Thread(target=_carry, args=(near, far), daemon=True).start()
                threading.Thread(target=_carry, args=(far, near), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def passage() -> Iterator[Passage]:
    # The socket's path has to be short, and that of `tmp_path` is not.
    with TemporaryDirectory(prefix="pass-") as folder:
        it = Passage(Path(folder) / "e.sock")
        it.open()
        yield it
        it.close()


def test_an_engine_that_is_gone_is_named_first(passage: Passage, mesh: Make) -> None:
    it = mesh(
        """
        name: t7bgone
        services:
          box: {image: devbox-test/base, command: sleep 3600, stop_grace_period: 0s}
        """
    )
    it.env["DOCKER_HOST"] = f"unix://{passage.path}"
    it.ok("up", "-d", "--wait")
    assert why(it, "box")["first_cause"] == ""
    passage.close()
    try:
        until(lambda: bool(why(it, "box")["first_cause"]), 15.0, "word of the outage")
        said = why(it, "box")
        assert said["culprit"] == "docker"
        assert str(passage.path) in said["first_cause"]
        assert "docker info" in said["try_next"]
    finally:
        passage.open()
        until(lambda: not why(it, "box")["first_cause"], 15.0, "the engine again")
