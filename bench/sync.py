"""From the end of a save to the file being in a container, as somebody who asks that container sees it."""

from __future__ import annotations

import json
import tempfile
import textwrap
import time
from pathlib import Path
from statistics import median

from bench.contenders import answer_of, mesh_up, until
from bench.figures import Figure

PORT, SAVES, PAUSE, LIMIT = 18195, 50, 0.2, 100.0
"""`LIMIT` is in milliseconds."""

_ASKED = textwrap.dedent(
    """
    import socket
    server = socket.create_server(("0.0.0.0", 8000))
    while True:
        conn, _ = server.accept()
        conn.recv(65536)
        try:
            text = open("/app/a.txt", "rb").read()
        except OSError:
            text = b""
        conn.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + text)
        conn.close()
    """
)


def measure() -> list[Figure]:
    """How soon a small file is in a container; beside it, how long it takes to ask."""
    service = {
        "image": "devbox-test/python",
        "command": ["python3", "-I", "-S", "-c", _ASKED],
        "init": True,
        "ports": [f"{PORT}:8000"],
        "watch": [{"path": "./src", "target": "/app"}],
    }
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        (folder / "src").mkdir()
        (folder / "devbox.yaml").write_text(json.dumps({"name": "bench-sync", "services": {"app": service}}))
        with mesh_up(folder):
            times, asked = _times(folder / "src" / "a.txt")
    beside = f"asking takes {1000 * asked:.0f} ms"
    return [Figure("a save until a small file is in the container, median", 1000 * median(times), "ms", LIMIT, beside)]


def _times(file: Path) -> tuple[list[float], float]:
    times, asking = [], []
    for number in range(SAVES + 1):
        time.sleep(PAUSE)
        file.write_text(f"save {number}")
        times.append(until(PORT, f"save {number}"))
        began = time.perf_counter()
        answer_of(PORT)
        asking.append(time.perf_counter() - began)
    # The first one finds out whose files they are, and is not what one waits for all day.
    return times[1:], median(asking)
