"""Whether something is under way on an HTTP/1 connection, as seen from outside."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devbox.runtimes.door.framing import Exchange

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED_POST = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
)
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
TO_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

PAIRS = [
    (GET, OK),
    (GET, EMPTY),
    (GET, CHUNKED),
    (GET, NO_CONTENT),
    (HEAD, TO_HEAD),
    (POST, OK),
    (CHUNKED_POST, CHUNKED),
    (POST, CONTINUE + OK),
]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(st.sampled_from(PAIRS), min_size=1, max_size=5), st.lists(st.integers(0, 5000), max_size=20))
def test_however_the_bytes_come_it_is_known_when_all_is_answered(
    pairs: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    exchange = Exchange()
    assert exchange.fresh
    for asked, answered in pairs:
        for piece in pieces(asked, cuts):
            exchange.caller_says(piece)
            assert not exchange.between
        *early, last = pieces(answered, cuts)
        for piece in early:
            exchange.callee_says(piece)
            assert not exchange.between
        exchange.callee_says(last)
        assert exchange.between
        assert exchange.followed


def test_several_requests_may_be_under_way_at_once() -> None:
    exchange = Exchange()
    exchange.caller_says(GET + GET)
    exchange.callee_says(OK)
    assert not exchange.between
    exchange.callee_says(OK)
    assert exchange.between


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_a_connection_that_ends_with_its_answer_is_never_between_two(answer: bytes) -> None:
    exchange = Exchange()
    exchange.caller_says(GET)
    exchange.callee_says(answer)
    assert not exchange.between


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\x16\x03\x01\x02\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PING\r\n",
        b"GETX / HTTP/1.1\r\n\r\n",
        b"\0" * 100,
    ],
)
def test_what_is_not_http_is_not_followed(bytes_: bytes) -> None:
    exchange = Exchange()
    exchange.caller_says(bytes_)
    assert not exchange.followed
    assert not exchange.between


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=20))
def test_no_bytes_do_harm(said: list[tuple[bool, bytes]]) -> None:
    exchange = Exchange()
    for caller, data in said:
        (exchange.caller_says if caller else exchange.callee_says)(data)
