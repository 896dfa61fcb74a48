"""How grave the lines in each small piece of a log are, so that a search for errors need not look where there are none.

A log is thought of as cells of `CELL` bytes. Beside it is a file with a byte for each cell that was looked through,
from the first on: `_FINE`, or the worst level of a line that begins in it. Errors and worse are one: once a cell has
one, nobody looks for more in it, so that a log full of them costs little.

It is made behind the writer by whoever owns the store, when there is time (`Cells.look`). What was not looked through
yet is searched as if it could hold anything.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from devbox.domain.log import Level
from devbox.engine.logs.pattern import Span, grave_spans
from devbox.engine.logs.records import level_at

CELL = 16 << 10
_PIECE = 64 * CELL
"""Bytes that are looked through in a turn."""

_FINE = 1
_BEHIND = 2 * CELL
"""Bytes behind a cell in which a record that begins in it goes on, at most."""


class Cells:
    """What is known of the cells of one log. Only one process writes it; any may read."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = log.with_name(f"{log.name}.cells")
        self._known = b""
        with contextlib.suppress(OSError):
            self._known = self._file.read_bytes()

    @property
    def size(self) -> int:
        """The offset up to which the log was looked through."""
        return len(self._known) * CELL

    def begin_anew(self) -> None:
        """The log was emptied."""
        self._known = b""

    def look(self, begin: int, size: int) -> bool:
        """Look through the next few whole cells of a log that has `size` bytes, of which those before `begin` are gone.

        Whether there were any. Raises OSError where the log cannot be read, or the disk is full.
        """
        start = self.size
        end = min(size, start + _PIECE) // CELL * CELL
        if end <= start:
            return False
        if end <= begin:
            self._add(bytes([_FINE]) * ((begin // CELL * CELL - start) // CELL))
            return True
        with self._log.open("rb", buffering=0) as file:
            file.seek(start)
            block = file.read(end - start)
            # The last line is needed whole; one that is longer than this names its level before.
            data = block + file.read(CELL)
        if len(block) < end - start:
            return False
        self._add(bytes(_worst(data, len(block))))
        return True

    def places(self, start: int, end: int, level: Level) -> list[Span]:
        """The parts between two offsets in which records of a level or worse may be, not overlapping, in order."""
        level = min(level, Level.ERROR)
        found: list[list[int]] = []
        for cell in range(start // CELL, -(-min(end, self.size) // CELL)):
            if self._known[cell] >= level:
                at = cell * CELL
                if found and found[-1][1] >= at:
                    found[-1][1] = at + CELL + _BEHIND
                else:
                    found.append([at, at + CELL + _BEHIND])
        if self.size < end:
            if found and found[-1][1] >= self.size:
                found[-1][1] = end
            else:
                found.append([self.size, end])
        return [(max(start, first), min(end, last)) for first, last in found if max(start, first) < min(end, last)]

    def _add(self, known: bytes) -> None:
        with self._file.open("ab") as file:
            # What a kill left of an earlier write, or another life of the log, must not shift the rest.
            if file.tell() != len(self._known):
                os.truncate(self._file, 0)
                known, self._known = self._known + known, b""
            file.write(known)
        self._known += known


def _worst(data: bytes, length: int) -> bytearray:
    """The worst level of the lines that begin in each cell of the first `length` bytes."""
    worst = bytearray([_FINE]) * (length // CELL)
    for start, end in grave_spans(data):
        cell = start // CELL
        if cell >= len(worst):
            break
        if worst[cell] < Level.ERROR:
            level = level_at(data, start, end)
            if level is not None and level >= Level.WARN:
                worst[cell] = max(worst[cell], min(level, Level.ERROR))
    return worst
