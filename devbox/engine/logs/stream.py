"""One log file, read in blocks and split into lines in bulk."""

from __future__ import annotations

from pathlib import Path

BLOCK = 1 << 20
"""Bytes read at once; a line longer than this is given out in pieces."""


def size(path: Path) -> int:
    """The size of a file; 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_block(path: Path, start: int, end: int, *, partial: bool = False) -> bytes:
    """The whole lines of a file from `start` on, up to `end`, at most a block of them.

    A line that is not finished is left for later, unless `partial` says that it will not be, or it fills a block.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(min(BLOCK, end - start))
    except OSError:
        return b""
    whole = data.rfind(b"\n") + 1
    if (partial and start + len(data) >= end) or (whole == 0 and len(data) >= BLOCK):
        return data
    return data[:whole]


def split(data: bytes) -> tuple[str, ...]:
    """The lines of a block, without their ends; bytes that are not UTF-8 are replaced."""
    text = data.decode("utf-8", "replace").removesuffix("\n")
    return tuple(line.removesuffix("\r") for line in text.split("\n"))


def offset_of_tail(path: Path, lines: int, end: int) -> int:
    """Where the last `lines` lines before `end` begin."""
    if lines <= 0:
        return end
    missing, position = lines + 1, end
    try:
        with path.open("rb") as file:
            while position > 0:
                begin = max(0, position - BLOCK)
                file.seek(begin)
                block = file.read(position - begin)
                if position == end and block.endswith(b"\n"):
                    block = block[:-1]
                found = block.count(b"\n")
                if found >= missing - 1:
                    return begin + _after_nth_last_newline(block, missing - 1)
                missing -= found
                position = begin
    except OSError:
        return 0
    return 0


def _after_nth_last_newline(block: bytes, n: int) -> int:
    index = len(block)
    for _ in range(n):
        index = block.rfind(b"\n", 0, index)
    return index + 1


def count_lines(path: Path, end: int) -> int:
    """How many lines end before offset `end`."""
    count = 0
    try:
        with path.open("rb") as file:
            while (here := file.tell()) < end and (block := file.read(min(BLOCK, end - here))):
                count += block.count(b"\n")
    except OSError:
        return 0
    return count
