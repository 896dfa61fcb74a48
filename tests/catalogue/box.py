"""A server of the catalogue with two that call it: a process of this machine, and a container."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from devbox.catalogue import load_entry
from tests.engine.mesh import Mesh, until

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).with_name("clients.py")


def manifest(project: str, entry: str, settings: str = "") -> str:
    """A mesh with the server, and everything that it exports in the environment of those who call it."""
    name = entry.partition(":")[0]
    found = load_entry(name)
    exports = {*found.exports, *(found.embedded.exports if found.embedded else ())}
    env = "".join(f'\n              STORE_{each.upper()}: "${{store.{each}}}"' for each in sorted(exports))
    return f"""
        name: {project}
        services:
          store:
            use: "{entry}"
            {settings}
          inside:
            image: devbox-test/clients
            command: sleep infinity
            init: true
            volumes: ["{CLIENTS}:/clients.py:ro"]
            environment: {env}
          outside:
            command: ["{sys.executable}", "-c", "import time; time.sleep(10**6)"]
            environment: {env}
        """


@dataclass
class Box:
    """One project with a server in it, on a state directory of its own."""

    kind: str
    mesh: Mesh
    written: dict[str, str] = field(default_factory=dict)

    def up(self) -> None:
        self.mesh.ok("up", "-d", "--wait", limit=300)

    def down(self, *flags: str) -> None:
        self.mesh.ok("down", *flags, limit=120)
        until(lambda: not self.mesh.processes(), 30, "the end of the supervisor")

    def write(self, caller: str) -> None:
        """Have a caller write something that nobody wrote before."""
        key, value = f"k{uuid4().hex[:8]}", f"v{uuid4().hex[:8]}"
        self._call(caller, "write", key, value)
        self.written[key] = value

    def read(self, caller: str) -> dict[str, str]:
        """What a caller reads of everything that was written."""
        return {key: self._call(caller, "read", key).strip() for key in self.written}

    def reads_all(self) -> None:
        """Both callers must find everything."""
        assert self.read("outside") == self.written
        assert self.read("inside") == self.written

    def _call(self, caller: str, *words: str) -> str:
        program = (sys.executable, str(CLIENTS)) if caller == "outside" else ("python3", "/clients.py")
        return self.mesh.ok("exec", "-T", caller, *program, self.kind, *words, limit=90)


def box(tmp_path: Path, entry: str, settings: str = "", project: str = "") -> Box:
    """A box in directories of its own; nothing runs yet."""
    project = project or f"box{uuid4().hex[:8]}"
    env = {**os.environ, "DEVBOX_STATE_HOME": str(tmp_path / "state" / project), "PYTHONPATH": str(ROOT)}
    return Box(entry.partition(":")[0], Mesh(tmp_path / project, manifest(project, entry, settings), env))
