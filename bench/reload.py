"""From a save to the new process answering, as an outside observer sees it, beside what others take.

In one run: the floor (files looked at every millisecond, kill, start by hand), devbox at its default settings, and
`watchfiles`' own command line.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure

DEVBOX = str(Path(sys.executable).with_name("devbox"))
WATCHFILES = str(Path(sys.executable).with_name("watchfiles"))
PORT, SAVES, BETWEEN, LIMIT = 18190, 40, 0.35, 10.0
SERVER = textwrap.dedent(
    """
    import socket
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", {port}))
    server.listen(16)
    while True:
        conn, _ = server.accept()
        conn.sendall(b"{answer}")
        conn.close()
    """
)
FLOOR = textwrap.dedent(
    """
    import os, signal, subprocess, sys, time
    file, argv = sys.argv[1], [sys.executable, "-I", "-S", sys.argv[1]]
    running = []
    def end(*_):
        for process in running:
            process.kill()
            process.wait()
        os._exit(0)
    signal.signal(signal.SIGTERM, end)
    seen = os.stat(file).st_mtime_ns
    running.append(subprocess.Popen(argv))
    while True:
        time.sleep(0.001)
        now = os.stat(file).st_mtime_ns
        if now != seen:
            seen = now
            running[0].kill()
            running[0].wait()
            running[0] = subprocess.Popen(argv)
    """
)


def _save(file: Path, answer: str) -> None:
    file.write_text(SERVER.format(port=PORT, answer=answer))


def _answer() -> str:
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=1) as conn:
            return conn.recv(64).decode()
    except OSError:
        return ""


def _until(answer: str) -> float:
    """Wait until the server answers with this; the seconds that took."""
    began = time.perf_counter()
    while _answer() != answer:
        if time.perf_counter() - began > LIMIT:
            raise TimeoutError(f"nobody answered {answer!r} in {LIMIT:g} s")
        time.sleep(0.001)
    return time.perf_counter() - began


def _saves(file: Path, name: str, saves: int = SAVES) -> list[float]:
    """Save again and again; how long each took until the new one answered, from the end of the write."""
    times = []
    for number in range(saves):
        _save(file, f"{name} {number}")
        times.append(_until(f"{name} {number}"))
        time.sleep(BETWEEN)
    return sorted(times)


@contextmanager
def _by_hand(file: Path) -> Iterator[None]:
    """The least that can be: the file is looked at every millisecond, the process killed and started."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", FLOOR, str(file)])
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _watchfiles(file: Path) -> Iterator[None]:
    """`watchfiles COMMAND FOLDER`."""
    command = f"{sys.executable} -I -S {file}"
    argv = [WATCHFILES, "--filter", "all", command, str(file.parent)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(10)


@contextmanager
def _devbox(file: Path) -> Iterator[None]:
    """A mesh of one, at default settings."""
    folder = file.parent.parent
    service = {"command": [sys.executable, "-I", "-S", str(file)], "watch": ["./src"]}
    (folder / "devbox.yaml").write_text(json.dumps({"name": "bench-reload", "services": {"app": service}}))
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state")}

    def devbox(*words: str) -> None:
        subprocess.run([DEVBOX, *words], cwd=folder, env=env, check=True, capture_output=True)

    devbox("up", "-d", "--wait")
    try:
        yield
    finally:
        devbox("down", "-v")


def _measured(how: Callable[[Path], object], name: str, saves: int = SAVES) -> list[float]:
    with tempfile.TemporaryDirectory() as given:
        file = Path(given) / "src" / "app.py"
        file.parent.mkdir()
        _save(file, "first")
        with how(file):  # type: ignore[attr-defined]
            _until("first")
            time.sleep(BETWEEN)
            return _saves(file, name, saves)


def measure() -> list[Figure]:
    """How soon a save runs."""
    floor = statistics.median(_measured(_by_hand, "floor", SAVES // 2))
    times = _measured(_devbox, "devbox")
    beside = f"by hand {1000 * floor:.0f} ms"
    if shutil.which(WATCHFILES):
        other = statistics.median(_measured(_watchfiles, "watchfiles", SAVES // 2))
        beside += f", watchfiles' command line {1000 * other:.0f} ms"
    late = times[round(0.95 * (len(times) - 1))]
    return [
        Figure("a save until the new process answers, median", 1000 * statistics.median(times), "ms", 60.0, beside),
        Figure("a save until the new process answers, 95th percentile", 1000 * late, "ms", 120.0),
    ]
