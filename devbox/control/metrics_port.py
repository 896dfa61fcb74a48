"""`GET /metrics` on a TCP port of loopback, for a Prometheus. It asks nobody who he is: nothing else is served."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from devbox.control.exposition import CONTENT_TYPE
from devbox.domain.errors import UsageError

_HOST = "127.0.0.1"
_LIMIT = 5.0
"""Seconds within which a request is made and its answer taken."""


class MetricsPort:
    """Holds the port, once somebody asks for one."""

    def __init__(self, exposition: Callable[[], str]) -> None:
        self._exposition = exposition
        self._server: asyncio.Server | None = None
        self._number: int | None = None

    async def open(self, number: int) -> None:
        """Serve on this port from now on. Raises UsageError where it is taken."""
        if number == self._number:
            return
        try:
            server = await asyncio.start_server(self._serve, _HOST, number)
        except OSError as exc:
            hint = "Choose another one; `devbox doctor` tells who holds the ports of services."
            raise UsageError(f"metrics cannot be served on {_HOST}:{number}: {exc.strerror}", hint=hint) from exc
        self.close()
        self._server, self._number = server, number

    def close(self) -> None:
        """Let go of the port."""
        if self._server is not None:
            self._server.close()
            self._server = self._number = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_LIMIT):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head.split(b" ")[:2]))
                await writer.drain()
        writer.close()

    def _answer(self, asked: list[bytes]) -> bytes:
        if asked == [b"GET", b"/metrics"]:
            return _response("200 OK", CONTENT_TYPE, self._exposition())
        return _response("404 Not Found", "text/plain", "only GET /metrics is served here\n")


def _response(status: str, kind: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body
