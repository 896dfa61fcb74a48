"""An engine that is reached over ssh: its socket brought here, by the user's own `ssh` and what that is set up with.

One `ssh` carries every connection, so that a server's limit on sessions is none on containers. It runs a command that
ends when its input does: whatever becomes of us, it is gone with us.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from urllib.parse import urlsplit

FAR_SOCKET = "/var/run/docker.sock"
"""Where the far engine is expected, unless the address has a path: `ssh://user@host/run/user/1000/docker.sock`."""

_OPEN_LIMIT = 30.0
_END_LIMIT = 5.0
_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ControlMaster=no",
    "ControlPath=none",
    "ExitOnForwardFailure=yes",
    "ServerAliveCountMax=3",
    "ServerAliveInterval=10",
    "StreamLocalBindUnlink=yes",
)


class Tunnel:
    """The socket of the engine at `url`, at `url_here` as long as this is open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._folder = tempfile.mkdtemp(prefix="devbox-ssh-")
        self._path = os.path.join(self._folder, "engine.sock")
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def url_here(self) -> str:
        return f"unix://{self._path}"

    def open(self) -> None:
        """Have it carry connections; one that broke is made anew. Raises OSError with what `ssh` says."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    self._argv(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
                self._wait_until_open(self._process)

    def close(self) -> None:
        """End it, and remove the socket here."""
        with self._lock:
            if self._process is not None:
                self._end(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _argv(self) -> list[str]:
        parts = urlsplit(self._url)
        argv = ["ssh", "-T", "-L", f"{self._path}:{parts.path.rstrip('/') or FAR_SOCKET}"]
        argv += [word for option in _OPTIONS for word in ("-o", option)]
        argv += ["-l", parts.username] if parts.username else []
        argv += ["-p", str(parts.port)] if parts.port else []
        return [*argv, "--", parts.hostname or "", "cat"]

    def _wait_until_open(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _OPEN_LIMIT
        while not self._listens():
            if process.poll() is not None or time.monotonic() > deadline:
                self._end(process)
                said = process.stderr.read() if process.stderr is not None else b""
                raise OSError(said.decode("utf-8", "replace").strip() or "ssh does not come about")
            time.sleep(0.02)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                trial.connect(self._path)
            except OSError:
                return False
        return True

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(_END_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
