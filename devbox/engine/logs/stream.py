"""One log file, read in blocks and split into lines in bulk."""

from __future__ import annotations

from pathlib import Path

BLOCK = 1 << 20
"""Bytes read at once."""

LONGEST = 32 << 20
"""A line longer than this is given out in pieces."""


def size(path: Path) -> int:
    """The size of a file; 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_block(path: Path, start: int, end: int, *, partial: bool = False) -> bytes:
    """The whole lines of a file from `start` on, up to `end`: about a block of them, or one line that is longer.

    A line that is not finished is left for later, unless `partial` says that it will not be, or it is the longest
    that is given out whole.
    """
    length = BLOCK
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(min(length, end - start))
            whole = data.rfind(b"\n") + 1
            while whole == 0 and len(data) == length and length < LONGEST and start + length < end:
                more = file.read(min(length, end - start - length))
                whole = 0 if (found := more.rfind(b"\n")) < 0 else length + found + 1
                data, length = data + more, 2 * length
    except OSError:
        return b""
    if (partial and start + len(data) >= end) or (whole == 0 and len(data) >= LONGEST):
        return data
    return data[:whole]


def split(data: bytes) -> tuple[str, ...]:
    """The lines of a block, without their ends; bytes that are not UTF-8 are replaced."""
    text = data.decode("utf-8", "replace").removesuffix("\n")
    lines = text.split("\n")
    if "\r" in text:
        lines = [line.removesuffix("\r") for line in lines]
    return tuple(lines)


def offset_of_tail(path: Path, lines: int, end: int, begin: int = 0) -> int:
    """Where the last `lines` lines before `end` begin; not before `begin`."""
    if lines <= 0:
        return end
    missing, position = lines + 1, end
    try:
        with path.open("rb") as file:
            while position > begin:
                start = max(begin, position - BLOCK)
                file.seek(start)
                block = file.read(position - start)
                if position == end and block.endswith(b"\n"):
                    block = block[:-1]
                found = block.count(b"\n")
                if found >= missing - 1:
                    return start + _after_nth_last_newline(block, missing - 1)
                missing -= found
                position = start
    except OSError:
        return begin
    return begin


def _after_nth_last_newline(block: bytes, n: int) -> int:
    index = len(block)
    for _ in range(n):
        index = block.rfind(b"\n", 0, index)
    return index + 1
