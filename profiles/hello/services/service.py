"""What every service of the hello mesh needs: JSON logs, a small HTTP server with /healthz, and a clean end."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pg8000.native

Reply = tuple[int, str, bytes]
Route = Callable[[bytes], Reply]


def log(level: str, message: str, **fields: Any) -> None:
    """One line of JSON on stdout."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, "level": level, "message": message, **fields}), flush=True)


def as_json(value: object, status: int = 200) -> Reply:
    return status, "application/json", json.dumps(value).encode()


def connect_to_database() -> pg8000.native.Connection:
    """A connection to the database that DATABASE_URL names."""
    url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    return pg8000.native.Connection(
        user=urllib.parse.unquote(url.username or ""),
        password=urllib.parse.unquote(url.password or ""),
        host=url.hostname or "127.0.0.1",
        port=url.port or 5432,
        database=urllib.parse.unquote(url.path.lstrip("/")),
        timeout=5,
    )


def end_on_sigterm() -> None:
    """End at once and cleanly when asked to."""

    def end(*_: object) -> None:
        log("info", "asked to end, ending")
        sys.stdout.flush()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, routes: dict[tuple[str, str], Route]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.routes = routes


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        began = time.perf_counter()
        path = self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        route = self.server.routes.get((method, path))
        try:
            status, kind, data = route(body) if route else as_json({"error": "not found"}, 404)
        except Exception as error:  # an answer in any case: this is a demonstration of health, not of errors
            log("error", "request failed", method=method, path=path, error=f"{type(error).__name__}: {error}")
            status, kind, data = as_json({"error": str(error)}, 503)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        if path != "/healthz":
            elapsed = round(1000 * (time.perf_counter() - began), 1)
            log("info" if status < 400 else "warning", f"{method} {path}", status=status, ms=elapsed)

    def log_message(self, *_: object) -> None:
        """Requests are logged as JSON by `_answer`."""


def serve(routes: dict[tuple[str, str], Route]) -> None:
    """Answer requests on PORT for ever."""
    server = _Server(int(os.environ["PORT"]), routes)
    log("info", "listening", port=server.server_port)
    server.serve_forever()
