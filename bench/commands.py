"""The command line on real processes: cold start, a second `up`, and twenty services to all answering."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from bench.figures import Figure, median_of

DEVBOX = str(Path(sys.executable).with_name("devbox"))
SERVER = textwrap.dedent(
    """
    import os, socket
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(os.environ["PORT"])))
    server.listen(16)
    while True:
        conn, _ = server.accept()
        conn.recv(65536)
        conn.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
        conn.close()
    """
)
COUNT = 20
FIRST_PORT = 18100


def _manifest() -> str:
    command = json.dumps([sys.executable, "-I", "-S", "-c", SERVER])
    services = {
        f"s{number}": {
            "command": json.loads(command),
            "ports": [f"{FIRST_PORT + number}:{FIRST_PORT + number}"],
            "environment": {"PORT": str(FIRST_PORT + number)},
            "health": {"http": "/"},
        }
        for number in range(COUNT)
    }
    return json.dumps({"name": "bench-twenty", "services": services})


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as conn:
            conn.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return conn.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _bare_start() -> float:
    """The floor: the same twenty started by hand, until all answer."""
    began = time.perf_counter()
    started = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", SERVER],
            env={**os.environ, "PORT": str(FIRST_PORT + number)},
            start_new_session=True,
        )
        for number in range(COUNT)
    ]
    try:
        for number in range(COUNT):
            while not _answers(FIRST_PORT + number):
                time.sleep(0.002)
        return time.perf_counter() - began
    finally:
        for process in started:
            process.kill()
            process.wait()


def measure() -> list[Figure]:
    """Times of whole commands, as a person waits for them."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "devbox.yaml"
        manifest.write_text(_manifest())
        env = {**os.environ, "DEVBOX_STATE_HOME": str(Path(folder) / "state")}

        def devbox(*args: str) -> None:
            subprocess.run([DEVBOX, *args], cwd=folder, env=env, check=True, capture_output=True)

        def python(code: str) -> None:
            subprocess.run([sys.executable, "-c", code], check=True)

        bare = min(_bare_start() for _ in range(3))
        ups, downs = [], []
        for _ in range(5):
            began = time.perf_counter()
            devbox("up", "-d", "--wait", "--progress", "quiet")
            ups.append(time.perf_counter() - began)
            began = time.perf_counter()
            devbox("down")
            downs.append(time.perf_counter() - began)
        devbox("up", "-d", "--wait")
        try:
            again = median_of(lambda: devbox("up", "-d"), 7)
            ps = median_of(lambda: devbox("ps"), 15)
        finally:
            devbox("down", "-v")
        httpx = median_of(lambda: python("import httpx"), 15)
        plain = median_of(lambda: python("pass"), 15)
    beside = f"bare Python {1000 * plain:.0f} ms, import httpx {1000 * httpx:.0f} ms"
    return [
        Figure("cold `devbox ps`, as a share of `import httpx`", ps / httpx, "x", 1.0, beside),
        Figure("`up -d --wait` of 20 processes with HTTP probes", sorted(ups)[2], "s", 1.0, f"bare {bare:.2f} s"),
        Figure("a second `up -d`, nothing to do", again, "s", 0.5),
        Figure("`down` of 20 processes", sorted(downs)[2], "s", 1.0),
    ]
