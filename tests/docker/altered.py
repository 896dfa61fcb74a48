"""The engine behind a socket that tells something else of it: its clock, its memory, its proxies."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ENGINE = "/var/run/docker.sock"
_LIMIT = 30.0
Change = Callable[[dict[str, Any]], None]


class _Engine(http.client.HTTPConnection):
    """The real one."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_LIMIT)
        self.sock.connect(ENGINE)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def engine_that_tells(folder: Path, change: Change) -> Iterator[str]:
    """The address of a socket where the engine answers questions, with `change` done to what `/info` says."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            engine = _Engine("localhost")
            engine.request("GET", self.path)
            answer = engine.getresponse()
            body = answer.read()
            engine.close()
            if self.path.partition("?")[0].endswith("/info"):
                told = json.loads(body)
                change(told)
                body = json.dumps(told).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "a client"

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    path = folder / "altered.sock"
    with _Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()
            thread.join(_LIMIT)
