"""Each way in which a probe fails, against a server that really fails so, and the words that a person reads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator

import pytest

from devbox.domain.spec import GrpcCheck, HttpCheck, Template
from devbox.engine import grpc_probe, tcp_probe
from devbox.engine.http_probe import HttpProbe

PATIENCE, LITTLE = 20.0, 0.3
"""Seconds: for what answers, however busy this machine is, and for what does not."""

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nall is calm"
HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nall is"
BROKEN = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 12\r\n\r\nno\n database"


@contextlib.asynccontextmanager
async def answering(answer: bytes, end: str) -> AsyncIterator[int]:
    """A server that reads a request, sends `answer`, and then closes, resets or keeps the connection."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if end == "keep":
            await over.wait()
        if end == "reset":
            await asyncio.sleep(0.05)  # the answer is to be read first: a reset overtakes it
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()
        await server.wait_closed()


def answered(status: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", body]).encode()


@contextlib.asynccontextmanager
async def routed() -> AsyncIterator[int]:
    """A server whose answer depends on what it is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, _, headers = head.partition("\r\n")
        match line.split()[:2]:
            case ["GET", "/"]:
                writer.write(answered("302 Found", "location: /login"))
            case ["GET", "/login"]:
                writer.write(answered("200 OK", body="who are you?"))
            case ["GET", "/round"]:
                writer.write(answered("307 Temporary Redirect", "location: /round"))
            case ["GET", "/away"]:
                writer.write(answered("301 Moved Permanently", "location: http://127.0.0.1:1/"))
            case ["GET", "/keyed"] if "x-key: open sesame" in headers.lower():
                writer.write(answered("200 OK"))
            case ["HEAD", "/"] | ["POST", "/echo"]:
                writer.write(answered("204 No Content"))
            case ["GET", "/endless"]:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
                with contextlib.suppress(ConnectionError):
                    while True:
                        writer.write(b"." * 65536)
                        await writer.drain()
            case _:
                writer.write(answered("401 Unauthorized", body="no key"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def patience(expected: tuple[bool, str]) -> float:
    return LITTLE if f"{LITTLE} s" in expected[1] else PATIENCE


async def said(port: int, check: HttpCheck, limit: float = PATIENCE) -> tuple[bool, str]:
    probe = HttpProbe()
    try:
        ok, words = await probe.ask("127.0.0.1", port, check, limit)
    finally:
        await probe.close()
    return ok, words.replace(str(port), "PORT")


@pytest.mark.parametrize(
    ("answer", "end", "check", "expected"),
    [
        (WHOLE, "close", HttpCheck(body="calm"), (True, "GET /: 200 OK")),
        (b"", "keep", HttpCheck(), (False, "no answer within 0.3 s")),
        (b"", "close", HttpCheck(), (False, "GET http://127.0.0.1:PORT/: the connection was closed without an answer")),
        (
            b"",
            "reset",
            HttpCheck(),
            (False, "GET http://127.0.0.1:PORT/: the connection was reset before an answer came"),
        ),
        (
            HALF,
            "close",
            HttpCheck(),
            (False, "GET /: 200 OK, but the connection was closed in the middle of its body"),
        ),
        (HALF, "reset", HttpCheck(), (False, "GET /: 200 OK, but the connection was reset in the middle of its body")),
        (HALF, "keep", HttpCheck(), (False, "GET /: 200 OK, but its body had not ended after 0.3 s")),
        (BROKEN, "close", HttpCheck("/up"), (False, "GET /up: 503 Service Unavailable: no database")),
        (
            WHOLE,
            "close",
            HttpCheck(body="storm"),
            (False, "GET /: 200 OK, but the body does not match /storm/: all is calm"),
        ),
        (
            b"+PONG\r\n\r\n",
            "close",
            HttpCheck(),
            (False, "GET http://127.0.0.1:PORT/: what answers does not speak HTTP"),
        ),
    ],
)
async def test_http(answer: bytes, end: str, check: HttpCheck, expected: tuple[bool, str]) -> None:
    async with answering(answer, end) as port:
        assert await said(port, check, patience(expected)) == expected


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (HttpCheck(), (True, "GET /: 302 Found, which leads to /login and was not followed")),
        (
            HttpCheck(status=(200, 200)),
            (False, "GET /: 302 Found, which leads to /login and was not followed"),
        ),
        (HttpCheck(redirects=True, body="who"), (True, "GET / → /login: 200 OK")),
        (HttpCheck("/round", redirects=True), (False, "GET /round: it redirects more than 10 times")),
        (
            HttpCheck("/away", redirects=True),
            (False, "GET http://127.0.0.1:PORT/away: connection refused"),
        ),
        (HttpCheck(method="HEAD"), (True, "HEAD /: 204 No Content")),
        (HttpCheck("/echo", method="POST"), (True, "POST /echo: 204 No Content")),
        (HttpCheck("/keyed"), (False, "GET /keyed: 401 Unauthorized: no key")),
        (HttpCheck("/keyed", headers=(("X-Key", Template.of("open sesame")),)), (True, "GET /keyed: 200 OK")),
        (HttpCheck("/endless", body="^hello"), (True, "GET /endless: 200 OK")),
    ],
)
async def test_http_asks_as_it_is_told(check: HttpCheck, expected: tuple[bool, str]) -> None:
    async with routed() as port:
        assert await said(port, check) == expected


async def test_http_of_a_process_that_is_killed_while_it_is_asked_and_after() -> None:
    server = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\n"
        "c = s.accept()[0]; c.recv(9); print('asked', flush=True); c.recv(0x10000); c.recv(1)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", server, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    asking = asyncio.create_task(said(port, HttpCheck()))
    await process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    ok, words = await asking
    await process.wait()
    assert not ok
    assert words.startswith("GET http://127.0.0.1:PORT/: the connection was ")
    assert await said(port, HttpCheck()) == (False, "GET http://127.0.0.1:PORT/: connection refused")


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


SETTINGS = frame(4, 0, 0, b"")
HEADERS, TRAILERS = frame(1, 4, 1, b"\x88"), frame(1, 5, 1, b"\x88")


def health(status: bytes) -> bytes:
    return SETTINGS + HEADERS + frame(0, 0, 1, b"\0" + len(status).to_bytes(4, "big") + status) + TRAILERS


@pytest.mark.parametrize(
    ("answer", "end", "service", "expected"),
    [
        (health(b"\x08\x01"), "keep", "", (True, "health of the server: SERVING")),
        (health(b"\x08\x02"), "keep", "shop", (False, "health of shop: NOT_SERVING")),
        (health(b""), "keep", "", (False, "health of the server: UNKNOWN")),
        (
            SETTINGS + TRAILERS,
            "keep",
            "shop",
            (
                False,
                "health of shop: the call was refused: the server has no health service, or it does not know shop",
            ),
        ),
        (SETTINGS, "keep", "", (False, "no answer within 0.3 s")),
        (SETTINGS, "close", "", (False, "127.0.0.1:PORT closed the connection before it answered")),
        (SETTINGS, "reset", "", (False, "127.0.0.1:PORT reset the connection before it answered")),
        (SETTINGS + HEADERS, "keep", "", (False, "no answer within 0.3 s")),
        (SETTINGS + HEADERS, "close", "", (False, "127.0.0.1:PORT closed the connection in the middle of its answer")),
        (
            SETTINGS + HEADERS + b"\0\0\7",
            "reset",
            "",
            (False, "127.0.0.1:PORT reset the connection in the middle of its answer"),
        ),
        (frame(3, 0, 1, b"\0\0\0\7"), "keep", "", (False, "127.0.0.1:PORT broke off the call: HTTP/2 error 7")),
        (frame(7, 0, 0, bytes(8) + b"bye"), "keep", "", (False, "127.0.0.1:PORT ended the connection: bye")),
        (WHOLE, "close", "", (False, "127.0.0.1:PORT does not speak gRPC")),
    ],
)
async def test_grpc(answer: bytes, end: str, service: str, expected: tuple[bool, str]) -> None:
    async with answering(answer, end) as port:
        ok, words = await grpc_probe.ask("127.0.0.1", port, GrpcCheck(port, service), patience(expected))
    assert (ok, words.replace(str(port), "PORT")) == expected
    ok, words = await grpc_probe.ask("127.0.0.1", port, GrpcCheck(port), PATIENCE)
    assert (ok, words) == (False, f"nobody listens on 127.0.0.1:{port}")


async def test_tcp() -> None:
    async with answering(b"", "keep") as port:
        assert await tcp_probe.ask("127.0.0.1", port, proxied=False) == (
            True,
            f"127.0.0.1:{port} accepts connections",
        )
    assert await tcp_probe.ask("127.0.0.1", port, proxied=False) == (False, f"nobody listens on 127.0.0.1:{port}")


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_tcp_of_a_port_that_a_proxy_holds_for_nobody(end: str) -> None:
    async def turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if end == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(turn_away, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        said = await tcp_probe.ask("127.0.0.1", port, proxied=True)
    assert said == (False, f"nobody listens behind 127.0.0.1:{port}")


class Searches:
    """Notes what is looked for to be imported, and finds nothing."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        self.names.append(name)


async def test_a_probe_looks_for_no_packages_once_it_has_asked() -> None:
    searches = Searches()
    async with answering(WHOLE, "close") as port:
        assert (await said(port, HttpCheck()))[0]
        sys.meta_path.insert(0, searches)
        try:
            assert (await said(port, HttpCheck()))[0]
        finally:
            sys.meta_path.remove(searches)
    assert searches.names == []
