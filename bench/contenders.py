"""Those that start a process anew when its file is saved: by hand, devbox, `watchfiles`, `uvicorn --reload`.

Each has a folder and a port of its own, so that all can run beside each other and be asked in turn.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devbox.engine.watch.inotify import Inotify

BIN = Path(sys.executable).parent
LIMIT = 20.0
"""Seconds within which a saved file must be answered from."""

_SERVER = textwrap.dedent(
    """
    import socket
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", {port}))
    server.listen(16)
    while True:
        conn, _ = server.accept()
        conn.recv(65536)
        conn.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n{answer}")
        conn.close()
    """
)
_ASGI = textwrap.dedent(
    """
    async def app(scope, receive, send):
        await send({{"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]}})
        await send({{"type": "http.response.body", "body": b"{answer}"}})
    """
)


def answer_of(port: int) -> str:
    """What a server on loopback says; empty where none does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as conn:
            conn.sendall(b"GET / HTTP/1.0\r\n\r\n")
            said = b"".join(iter(lambda: conn.recv(4096), b""))
    except OSError:
        return ""
    return said.partition(b"\r\n\r\n")[2].decode()


def until(port: int, answer: str) -> float:
    """Wait until a server answers with this; the seconds that took."""
    began = time.perf_counter()
    while answer_of(port) != answer:
        if time.perf_counter() - began > LIMIT:
            raise TimeoutError(f"nobody answered {answer!r} on port {port} in {LIMIT:g} s")
        time.sleep(0.001)
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to have a saved file run: its name, what is saved, and what has it run as long as it is entered."""

    name: str
    port: int
    how: Callable[[Path, int], AbstractContextManager[None]]
    server: str = _SERVER

    def save(self, folder: Path, answer: str) -> None:
        (folder / "src" / "app.py").write_text(self.server.format(port=self.port, answer=answer))


@contextmanager
def _ended(process: subprocess.Popen[bytes], number: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.killpg(process.pid, number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _started(argv: list[str], folder: Path, number: int = signal.SIGINT) -> AbstractContextManager[None]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True)
    return _ended(process, number)


def _by_hand(folder: Path, port: int) -> AbstractContextManager[None]:
    root = Path(__file__).parents[1]
    return _started([sys.executable, "-m", "bench.contenders", str(folder / "src")], root, signal.SIGTERM)


def _watchfiles(folder: Path, port: int) -> AbstractContextManager[None]:
    command = f"{sys.executable} -I -S src/app.py"
    return _started([str(BIN / "watchfiles"), "--filter", "all", command, "src"], folder)


def _uvicorn(folder: Path, port: int) -> AbstractContextManager[None]:
    where = ["--app-dir", "src", "--reload-dir", "src", "--port", str(port)]
    return _started([str(BIN / "uvicorn"), "app:app", "--reload", *where], folder)


@contextmanager
def _devbox(folder: Path, port: int) -> Iterator[None]:
    service = {"command": [sys.executable, "-I", "-S", "src/app.py"], "watch": ["./src"]}
    (folder / "devbox.yaml").write_text(json.dumps({"name": "bench-reload", "services": {"app": service}}))
    with mesh_up(folder):
        yield


@contextmanager
def mesh_up(folder: Path) -> Iterator[dict[str, str]]:
    """The mesh of a folder, up; the environment that commands on it need."""
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state")}

    def devbox(*words: str) -> None:
        done = subprocess.run([str(BIN / "devbox"), *words], cwd=folder, env=env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"devbox {' '.join(words)} ended with {done.returncode}: {done.stderr}")

    try:
        devbox("up", "-d", "--wait")
        yield env
    finally:
        devbox("down", "-v", "-t", "1")


def by_hand(folder: str) -> None:
    """The least that can be: inotify on the folder, the process killed, waited for, and started again."""
    argv = [sys.executable, "-I", "-S", os.path.join(folder, "app.py")]
    notices = Inotify()
    notices.add(folder)
    process = subprocess.Popen(argv)
    while True:
        select.select([notices.fileno()], [], [])
        if any(True for _ in notices.read()):
            process.kill()
            process.wait()
            process = subprocess.Popen(argv)


BY_HAND = Contender("by hand", 18190, _by_hand)
DEVBOX = Contender("devbox", 18191, _devbox)
WATCHFILES = Contender("watchfiles' command line", 18192, _watchfiles)
UVICORN = Contender("uvicorn --reload", 18193, _uvicorn, _ASGI)

if __name__ == "__main__":
    by_hand(sys.argv[1])
