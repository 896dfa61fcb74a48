"""What can happen to a manifest: bytes that change, lines that move, pieces of another file that land in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_PIECES = (
    b"", b"\n", b"  ", b": ", b"- ", b"{", b"}", b"[", b"]", b"${", b"$", b"$$", b"*", b"&a ", b"*a", b'"', b"'", b"|",
    b">", b"!reset ", b"!override ", b"<<: *a", b"~", b"0", b"-1", b"1e999", b"99999999999999999999", b"\x00", b"\xff",
    b"\xef\xbb\xbf", b"\t", b"---\n", b"...\n", b"#", b"extends: ", b"include: ", b"x-", b"services:", b"${a.url}",
    b"${A:-${B:-", b"../", b"/dev/zero", b"true", b"\r\n", "é".encode(), "\u202e".encode(), b"? ", b"%YAML 1.1\n",
)  # fmt: skip

Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def mutated(chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    """One of the corpus after one to four changes."""
    data = chance.choice(corpus)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        data = chance.choice(_CHANGES)(chance, data, corpus)
    return data[: 64 * 1024]


def _insert(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(_PIECES) + data[at + chance.randint(0, 6) :]


def _flip(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) or 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _move_lines(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    begin = chance.randrange(len(lines))
    taken = lines[begin : begin + chance.randint(1, 4)]
    if chance.random() < 0.5:
        del lines[begin : begin + len(taken)]
    at = chance.randint(0, len(lines))
    return b"\n".join([*lines[:at], *taken, *lines[at:]])


def _indent(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    lines[at] = b"  " + lines[at] if chance.random() < 0.5 else lines[at].removeprefix(b"  ")
    return b"\n".join(lines)


def _splice(chance: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    other = chance.choice(corpus).split(b"\n")
    lines = data.split(b"\n")
    begin, at = chance.randrange(len(other)), chance.randint(0, len(lines))
    return b"\n".join([*lines[:at], *other[begin : begin + chance.randint(1, 8)], *lines[at:]])


_CHANGES: tuple[Change, ...] = (_insert, _insert, _flip, _move_lines, _indent, _splice)
