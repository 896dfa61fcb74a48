"""What every part of the shop that is written in Python needs: logs as JSON lines, and a server for HTTP."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, str]
"""A status, and a body: JSON, or plain text where the path is /metrics."""


def say(level: str, message: str, **more: Any) -> None:
    """One line of log."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    print(json.dumps({"time": at, "level": level, "msg": message, **more}), flush=True)


def end_on_sigterm() -> None:
    """Leave by the front door when asked to, so that what is open is closed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def serve(answer: Callable[[str, str, str, dict[str, Any]], Reply], port: int) -> None:
    """Answer HTTP requests for ever: `answer(method, path, request id, body)`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            request = self.headers.get("X-Request-Id", "")
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            try:
                status, text = answer(self.command, self.path, request, body)
            except Exception as exc:
                say("error", f"{self.command} {self.path} failed: {exc}", request_id=request, error=repr(exc))
                status, text = 502, json.dumps({"error": str(exc)})
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if self.path == "/metrics" else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-Served-By", os.environ.get("HOSTNAME", ""))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _handle

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("0.0.0.0", port), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
