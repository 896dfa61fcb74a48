"""A mesh on real processes, driven by the real command line, as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

DEVBOX = [sys.executable, "-m", "devbox"]
PYTHON = sys.executable

HTTP_SERVER = textwrap.dedent(
    """
    import http.server, os, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
        def log_message(self, *args): pass
    print("listening", flush=True)
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
    """
)

COUNTER = textwrap.dedent(
    """
    import itertools, sys, time
    for number in itertools.count():
        print("line", number, flush=True)
        time.sleep(0.005)
    """
)

SLEEPER = "import time; print('up', flush=True); time.sleep(3600)"


def script(code: str) -> str:
    """A `command:` that runs Python code."""
    return json.dumps([PYTHON, "-u", "-c", code])


def until(condition: Callable[[], bool], limit: float = 20.0, what: str = "it") -> float:
    """Wait for a condition, `limit` seconds at most; how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < limit, f"{what} did not come about in {limit} s"
        time.sleep(0.005)
    return time.monotonic() - began


@dataclass
class Mesh:
    """A manifest in a directory of its own, and the state of devbox in another.

    `enter` is a command that runs another one, somewhere that devbox is to run in.
    """

    directory: Path
    manifest: str
    env: dict[str, str] = field(default_factory=dict)
    enter: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.write(self.manifest)
        self.home = Path(self.env["DEVBOX_STATE_HOME"])

    def write(self, manifest: str) -> None:
        (self.directory / "devbox.yaml").write_text(textwrap.dedent(manifest))

    def devbox(self, *args: str, limit: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [*self.enter, *DEVBOX, *args],
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
        )

    def ok(self, *args: str, limit: float = 60.0) -> str:
        """Run one command that must end well; what it printed."""
        done = self.devbox(*args, limit=limit)
        assert done.returncode == 0, f"{args} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def spawn(self, *args: str) -> subprocess.Popen[str]:
        """Start a command that goes on."""
        return subprocess.Popen(
            [*self.enter, *DEVBOX, *args],
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rows(self) -> dict[str, dict[str, Any]]:
        """What `devbox ps` says, by name."""
        return {row["Name"]: row for row in map(json.loads, self.ok("ps", "-a", "--format", "json").splitlines())}

    def pids(self) -> dict[str, int]:
        return {name: row["Pid"] for name, row in self.rows().items() if row["Pid"]}

    def supervisor(self) -> psutil.Process:
        (project,) = [json.loads(line) for line in self.ok("ls", "--format", "json").splitlines()]
        return psutil.Process(project["SupervisorPid"])

    def processes(self, word: str = "") -> list[psutil.Process]:
        """Every process that belongs to this state directory: supervisor, keeper, services; those with `word` in their
        command line."""
        marker = str(self.home)
        found = []
        for process in psutil.process_iter():
            try:
                command = " ".join(process.cmdline())
                ours = process.environ().get("DEVBOX_STATE_HOME") == marker or marker in command
            except psutil.Error:
                continue
            if ours and word in command and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found

    def files(self) -> list[str]:
        """Every file below the state directory."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if not path.is_dir())

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        self.devbox("down", "-v", "-t", "0")
        for process in self.processes():
            process.send_signal(signal.SIGKILL)
