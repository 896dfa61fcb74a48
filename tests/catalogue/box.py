"""A server of the catalogue with those that call it: a process of this machine and, with an engine, a container."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from devbox.catalogue import load_entry
from tests.catalogue.servers import Booted
from tests.engine.mesh import Mesh, until

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).with_name("clients")
PACKAGES = ROOT / ".venv" / "npm" / "node_modules" / ".bin"
"""Where servers that come as npm packages have their programs."""

_INSIDE = """
          inside:
            image: devbox-test/clients
            command: sleep infinity
            init: true
            volumes: ["{clients}:/clients:ro"]
            environment: {env}"""


_REPLICAS = """
          pages:
            command: ["{python}", pages.py]
            ports: ["8000"]
            environment: {PORT: "${pages.port}"}
            scale: 2"""

_PAGES = """\
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())

http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""


def manifest(project: str, entry: str, settings: str, more: str) -> str:
    """A mesh with the server, and everything that it exports in the environment of those who call it."""
    found = load_entry(entry.partition(":")[0])
    exports = {*found.exports, *(found.embedded.exports if found.embedded else ())}
    env = "".join(f'\n              STORE_{each.upper()}: "${{store.{each}}}"' for each in sorted(exports))
    return f"""
        name: {project}
        services:
          store:
            use: "{entry}"
            {settings}
          outside:
            command: ["{sys.executable}", "-c", "import time; time.sleep(10**6)"]
            environment: {env}{more.replace("{env}", env)}
        """


@dataclass
class Box:
    """One project with a server in it, on a state directory of its own. `written` is what must be read, by key."""

    kind: str
    mesh: Mesh
    engine: bool
    written: dict[str, str] = field(default_factory=dict)

    @property
    def callers(self) -> tuple[str, ...]:
        return ("outside", "inside") if self.engine else ("outside",)

    def up(self) -> None:
        self.mesh.ok("up", "-d", "--wait", limit=600)

    def down(self, *flags: str) -> None:
        self.mesh.ok("down", *flags, limit=120)
        until(lambda: not self.mesh.processes(), 30, "the end of the supervisor")

    def write(self, caller: str) -> None:
        """Have a caller write something that nobody wrote before. A server that gives its own value, says it."""
        key, value = f"k{uuid4().hex[:8]}", f"v{uuid4().hex[:8]}"
        self.written[key] = self.call(caller, "write", key, value) or value

    def read(self, caller: str) -> dict[str, str]:
        """What a caller reads of everything that was written."""
        found: dict[str, str] = json.loads(self.call(caller, "read", *self.written))
        return found

    def is_read_by_all(self) -> None:
        for caller in self.callers:
            assert self.read(caller) == self.written, caller

    def call(self, caller: str, *words: str) -> str:
        program = (sys.executable, str(CLIENTS)) if caller == "outside" else ("python3", "/clients")
        return self.mesh.ok("exec", "-T", caller, *program, self.kind, *words, limit=90).strip()

    def at_the_console(self, typed: str, expected: str, limit: float = 120.0) -> None:
        """What `exec` opens by itself must show something after something was typed."""
        argv = [sys.executable, "-m", "devbox", "exec", "-T", "store"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(argv, cwd=self.mesh.directory, env=self.mesh.env, text=True, **pipes)  # type: ignore[call-overload]
        watchdog = threading.Timer(limit, process.kill)
        watchdog.start()
        try:
            process.stdin.write(typed)
            process.stdin.close()
            shown = ""
            # Some show what comes for as long as anybody looks; others end with what was typed.
            for line in process.stdout:
                shown += line
                if re.search(expected, shown):
                    return
            raise AssertionError(f"{typed!r} was answered by {shown!r}, which does not have {expected!r}")
        finally:
            watchdog.cancel()
            process.kill()
            process.stdout.close()
            process.wait()


def box(tmp_path: Path, entry: str, booted: Booted, engine: bool) -> Box:
    """A box in directories of its own; nothing runs yet. Without an engine, none is to be had."""
    project = f"box{uuid4().hex[:8]}"
    env = {
        **os.environ,
        "DEVBOX_STATE_HOME": str(tmp_path / "state" / project),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{PACKAGES}:{os.environ['PATH']}",
    }
    if not engine:
        env["DOCKER_HOST"] = f"unix://{tmp_path}/no-engine.sock"
    made = Box(entry.partition(":")[0], Mesh(tmp_path / project, "", env), engine)
    settings, more = "", _INSIDE.replace("{clients}", str(CLIENTS)) if engine else ""
    if booted.seed:
        settings = "seed: ./seed"
        (made.mesh.directory / "seed").mkdir()
        made.written["seeded"] = "yes"
    for name, text in booted.seed:
        (made.mesh.directory / "seed" / name).write_text(text)
    if booted.balances:
        settings = "balance: pages"
        (made.mesh.directory / "pages.py").write_text(_PAGES)
        more += _REPLICAS.replace("{python}", sys.executable)
    made.mesh.write(manifest(project, entry, settings, more))
    return made
