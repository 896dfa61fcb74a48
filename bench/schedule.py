"""Whether probes and measurements come when they are due, and what measuring costs."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path

from bench.contenders import mesh_up
from bench.figures import Figure
from bench.watching import cpu_of, supervisor_of
from devbox.engine.metrics import EVERY

PROBED, INTERVAL, FIRST_PORT = 100, 1.0, 18300
MEASURED = 50
SETTLED, SECONDS = 3.0, 15.0
_SERVER = textwrap.dedent(
    """
    import os, socket, time
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(os.environ["PORT"])))
    server.listen(16)
    asked = open(os.environ["ASKED"], "a", buffering=1)
    while True:
        conn, _ = server.accept()
        print(time.monotonic(), file=asked)
        conn.recv(65536)
        conn.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
        conn.close()
    """
)


def measure() -> list[Figure]:
    """Both."""
    return [*_schedule(), _cost()]


def _schedule() -> list[Figure]:
    """A hundred servers note when they are asked; measurements bear the time of their own."""
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        services = {
            f"s{number}": {
                "command": [sys.executable, "-I", "-S", "-c", _SERVER],
                "environment": {"PORT": str(FIRST_PORT + number), "ASKED": str(folder / f"asked-{number}")},
                "ports": [f"{FIRST_PORT + number}:{FIRST_PORT + number}"],
                "health": {"http": "/", "interval": f"{INTERVAL}s"},
            }
            for number in range(PROBED)
        }
        (folder / "devbox.yaml").write_text(json.dumps({"name": "bench-probed", "services": services}))
        with mesh_up(folder) as env:
            time.sleep(SETTLED)
            since, settled, spent = time.time(), time.monotonic(), cpu_of(supervisor_of(folder, env))
            time.sleep(SECONDS)
            spent = cpu_of(supervisor_of(folder, env)) - spent
            times = _measured(folder / "state" / "bench-probed" / "run" / "socket", "s0", since)
        asked = [_since(settled, folder / f"asked-{number}") for number in range(PROBED)]
    beside = f"the supervisor used {100 * spent / SECONDS:.0f} % of a core"
    return [
        Figure(f"probes of {PROBED} services: off their interval", _off(asked, INTERVAL), "x", 0.1, beside),
        Figure(f"measurements of {PROBED} services: off their pace", _off([times], EVERY), "x", 0.1),
    ]


def _since(moment: float, file: Path) -> list[float]:
    return [at for at in map(float, file.read_text().split()) if at >= moment]


def _off(series: Sequence[Sequence[float]], wanted: float) -> float:
    """By how much of it the time between two differs from the one asked for: the 95th of a hundred."""
    off = sorted(abs(later - sooner - wanted) / wanted for times in series for sooner, later in pairwise(times))
    expected = len(series) * SECONDS / wanted
    if len(off) < expected / 2:
        raise RuntimeError(f"only {len(off)} of about {expected:.0f} came at all")
    return off[int(0.95 * (len(off) - 1))]


def _measured(path: Path, service: str, since: float) -> list[float]:
    """When a service was measured, from a moment on."""
    connection = HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    connection.request("GET", f"/v1/metrics/{service}")
    told = json.loads(connection.getresponse().read())
    connection.close()
    return [at for at in told["times"] if at >= since]


def _cost() -> Figure:
    """What a supervisor uses that has nothing to do but to measure."""
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        services = {f"s{number}": {"command": ["sleep", "3600"]} for number in range(MEASURED)}
        (folder / "devbox.yaml").write_text(json.dumps({"name": "bench-measured", "services": services}))
        with mesh_up(folder) as env:
            pid = supervisor_of(folder, env)
            time.sleep(SETTLED)
            before = cpu_of(pid)
            time.sleep(SECONDS)
            spent = cpu_of(pid) - before
    others = sum(name.isdigit() for name in os.listdir("/proc"))
    what = f"{MEASURED} services measured: CPU of the supervisor"
    return Figure(what, 100 * spent / SECONDS, "%", 2.0, f"beside {others} other processes")
