"""The probe by gRPC: one call of the standard health service, `grpc.health.v1.Health/Check`.

The little of HTTP/2 that one call needs is written here by hand, so that no user has to install gRPC for it: frames by
RFC 9113, headers by RFC 7541 (literals only, without Huffman), the call by gRPC's "PROTOCOL-HTTP2". What the server's
headers say is not decoded: its verdict is in the message, and where no message comes, that is said.
"""

from __future__ import annotations

import asyncio
import ssl

from devbox.domain.spec import GrpcCheck, Tls
from devbox.engine import tls

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_ACK = _END_STREAM = 0x1
_END_HEADERS, _PADDED = 0x4, 0x8
_STREAM = 1
_LARGEST_FRAME = 16384
_LARGEST_MESSAGE = 65536
_NAMES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_HEALTHY = 1

_Verdict = tuple[bool, str]


class _Failed(Exception):
    """The call came to nothing; the message says why."""


async def ask(host: str, port: int, check: GrpcCheck, limit: float) -> _Verdict:
    """Make one call, which is over after `limit` seconds."""
    place = f"{host}:{port}"
    try:
        async with asyncio.timeout(limit):
            return _verdict(await _called(host, port, check), check.service)
    except TimeoutError:
        return False, f"no answer within {limit:g} s"
    except tls.UnreadableCa as exc:
        return False, exc.message
    except ssl.SSLError as exc:
        return False, f"{place}: {tls.in_words(exc, host)}"
    except ConnectionRefusedError:
        return False, f"nobody listens on {place}"
    except ConnectionResetError:
        return False, f"{place} reset the connection before it answered"
    except asyncio.IncompleteReadError:
        return False, f"{place} closed the connection before it answered"
    except OSError as exc:
        return False, f"{place} cannot be reached: {exc.strerror or exc}"
    except _Failed as exc:
        return False, f"{place} {exc}"


async def _called(host: str, port: int, check: GrpcCheck) -> bytes:
    """What the server sends in answer to the call."""
    reader, writer = await _connected(host, port, check.tls)
    try:
        scheme = "http" if check.tls is None else "https"
        writer.write(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _request(check.service, scheme))
        return await _answer(reader, writer)
    finally:
        writer.close()


async def _connected(host: str, port: int, how: Tls | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if how is None:
        return await asyncio.open_connection(host, port)
    context = await asyncio.to_thread(tls.context, how)
    context.set_alpn_protocols(["h2"])
    return await asyncio.open_connection(host, port, ssl=context, server_hostname=tls.server_name(host))


def _request(service: str, scheme: str) -> bytes:
    headers = (
        (":method", "POST"),
        (":scheme", scheme),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    block = b"".join(b"\0" + _counted(name) + _counted(value) for name, value in headers)
    message = b"\x0a" + _counted(service) if service else b""
    data = b"\0" + len(message).to_bytes(4, "big") + message
    return _frame(_HEADERS, _END_HEADERS, _STREAM, block) + _frame(_DATA, _END_STREAM, _STREAM, data)


def _counted(text: str) -> bytes:
    """A text with its length before it. Both HPACK and protobuf write one below 127 as a single byte."""
    data = text.encode()
    return bytes([len(data)]) + data


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The data of the answer, up to the end of its stream."""
    body, begun = b"", False
    while len(body) <= _LARGEST_MESSAGE:
        try:
            kind, flags, stream, payload = await _next_frame(reader)
        except (ConnectionResetError, asyncio.IncompleteReadError) as exc:
            if not begun:
                raise
            how = "reset" if isinstance(exc, ConnectionResetError) else "closed"
            raise _Failed(f"{how} the connection in the middle of its answer") from exc
        begun = begun or stream == _STREAM
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            writer.write(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _GOAWAY:
            raise _Failed(f"ended the connection: {payload[8:].decode('utf-8', 'replace') or _code(payload[4:8])}")
        elif stream == _STREAM and kind == _RST_STREAM:
            raise _Failed(f"broke off the call: {_code(payload)}")
        elif stream == _STREAM and kind == _DATA:
            body += payload[1 : len(payload) - payload[0]] if flags & _PADDED and payload else payload
        if stream == _STREAM and kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            return body
    raise _Failed("sends more than a health service does")


async def _next_frame(reader: asyncio.StreamReader) -> tuple[int, int, int, bytes]:
    head = await reader.readexactly(9)
    length = int.from_bytes(head[:3], "big")
    if length > _LARGEST_FRAME:
        raise _Failed("does not speak gRPC")
    return head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF, await reader.readexactly(length)


def _code(payload: bytes) -> str:
    return f"HTTP/2 error {int.from_bytes(payload, 'big')}"


def _verdict(body: bytes, service: str) -> _Verdict:
    """What a HealthCheckResponse says: the length of a message, and in it a status, which is left out when it is 0."""
    about = f"health of {service or 'the server'}"
    if not body:
        known = f", or it does not know {service}" if service else ""
        return False, f"{about}: the call was refused: the server has no health service{known}"
    message = body[5:]
    status = message[1] if len(message) > 1 and message[0] == 0x08 else 0
    return status == _HEALTHY, f"{about}: {_NAMES.get(status, f'status {status}')}"
