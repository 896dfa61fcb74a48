"""Where in a log which line is, and when it was seen to be there.

Services write straight into files, which know neither lines nor times. Whenever a file was seen to have grown, a mark
is noted in a small index beside it: an offset, how many lines end before it, and the time. A mark stands at least
every `STRIDE` bytes, so that any line is a seek and a short read away, and the logs of many services can be merged by
time, also after the fact.

The first mark is where the log begins: what was before it was given back to the disk (`rotate`). Offsets and line
numbers never change for that.
"""

from __future__ import annotations

import contextlib
import os
import struct
from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path

STRIDE = 256 << 10
"""Bytes between two marks, at most."""

_RECORD = struct.Struct("<QQd")
_MOST = 1 << 16
"""Marks beyond which the older ones are thinned out."""

_KEPT = 1 << 13
_READ = 4 << 20
_LINE = 4 << 10
"""Bytes that are read at once where one newline is looked for."""


class Index:
    """The marks of one log: offsets, lines before them, and times in seconds since the epoch; all of them growing."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._file = log.with_name(f"{log.name}.index")
        # Arrays, not lists: a chatty service adds a mark twenty times a second, all day.
        self._offsets, self._lines, self._times = array("Q", [0]), array("Q", [0]), array("d", [0.0])
        self._behind = False
        self._load()

    @property
    def begin(self) -> int:
        """The offset at which the log begins now."""
        return self._offsets[0]

    @property
    def first_line(self) -> int:
        """The number of the line at `begin`."""
        return self._lines[0]

    @property
    def size(self) -> int:
        """The size up to which times and lines are known."""
        return self._offsets[-1]

    @property
    def lines(self) -> int:
        """How many lines end before `size`, since the store began."""
        return self._lines[-1]

    def note(self, size: int, at: float) -> None:
        """The file was seen to have `size` bytes at time `at`. One that is shorter than it was begins anew."""
        if size < self.size:
            self._offsets, self._lines, self._times = array("Q", [0]), array("Q", [0]), array("d", [0.0])
            self._save()
        known = len(self._offsets)
        at = max(at, self._times[-1])
        for offset, lines in _count(self.log, self.size, size, self.lines):
            self._lines.append(lines)
            self._times.append(at)
            # Last, for another thread may look for a mark in them meanwhile.
            self._offsets.append(offset)
        if len(self._offsets) > _MOST:
            self._thin()
        elif len(self._offsets) > known:
            self._append(known if known > 1 else 0)

    def at(self, offset: int) -> float:
        """When the byte before `offset` was first seen to be there; 0.0 when nothing is known."""
        index = bisect_left(self._offsets, offset)
        return self._times[min(index, len(self._times) - 1)]

    def size_before(self, at: float) -> int:
        """How long the file was, as far as is known, before time `at`."""
        return self._offsets[max(bisect_left(self._times, at) - 1, 0)]

    def size_until(self, at: float) -> int:
        """How long the file was, as far as is known, at time `at`."""
        return self._offsets[max(bisect_right(self._times, at) - 1, 0)]

    def marks(self, start: int, end: int) -> list[tuple[int, float]]:
        """The noted sizes above `start` and below `end`, then `end` itself, each with its time."""
        low = bisect_left(self._offsets, start + 1)
        high = bisect_left(self._offsets, end)
        return [*zip(self._offsets[low:high], self._times[low:high], strict=True), (end, self.at(end))]

    def line_at(self, offset: int) -> int:
        """How many lines end before `offset`."""
        index = bisect_right(self._offsets, offset) - 1
        if index < 0:
            return self.first_line
        return self._lines[index] + _newlines(self.log, self._offsets[index], offset)

    def offset_of(self, line: int) -> int:
        """Where a line begins: at `begin` for one that is no more, at `size` for one that is not yet."""
        if line <= self.first_line:
            return self.begin
        if line > self.lines:
            return self.size
        index = bisect_left(self._lines, line) - 1
        return after_newline(self.log, self._offsets[index], line - self._lines[index])

    def drop_before(self, offset: int) -> int:
        """Have the log begin at the first line that starts behind the last mark before `offset`; where that is."""
        index = bisect_right(self._offsets, offset) - 1
        begin = after_newline(self.log, self._offsets[index], 1)
        if index <= 0 or begin <= self.begin:
            return self.begin
        kept = bisect_right(self._offsets, begin)
        line, at = self._lines[index] + 1, self._times[index]
        self._offsets = array("Q", [begin]) + self._offsets[kept:]
        self._lines = array("Q", [line]) + self._lines[kept:]
        self._times = array("d", [at]) + self._times[kept:]
        self._save()
        return begin

    def _thin(self) -> None:
        """Leave out marks of the older half that stand close together."""
        half = len(self._offsets) // 2
        gap = (self._times[half] - self._times[1]) / _KEPT
        kept = [0]
        for index in range(1, half):
            last = kept[-1]
            near = (
                self._offsets[index + 1] - self._offsets[last] <= STRIDE
                and self._times[index] - self._times[last] < gap
            )
            if not near:
                kept.append(index)
        for name in ("_offsets", "_lines", "_times"):
            marks = getattr(self, name)
            setattr(self, name, array(marks.typecode, [marks[i] for i in kept]) + marks[half:])
        self._save()

    def _append(self, start: int) -> None:
        if self._behind:
            self._save()
            return
        try:
            with self._file.open("ab") as file:
                file.write(self._packed(start))
        except OSError:
            self._behind = True

    def _save(self) -> None:
        new = self._file.with_name(f"{self._file.name}.new")
        try:
            new.write_bytes(self._packed(0))
            os.replace(new, self._file)
            self._behind = False
        except OSError:
            # Who reads goes by what is known here; it is written whole as soon as there is room for it.
            self._behind = True
            with contextlib.suppress(OSError):
                new.unlink()

    def _packed(self, start: int) -> bytes:
        marks = zip(self._offsets[start:], self._lines[start:], self._times[start:], strict=True)
        return b"".join([_RECORD.pack(*mark) for mark in marks])

    def _load(self) -> None:
        try:
            data = self._file.read_bytes()
        except OSError:
            return
        whole = len(data) - len(data) % _RECORD.size
        if whole < len(data):
            # A mark that was torn by a kill would put all later ones out of step.
            os.truncate(self._file, whole)
        marks = list(_RECORD.iter_unpack(data[:whole]))
        if marks:
            offsets, lines, times = zip(*marks, strict=True)
            self._offsets, self._lines, self._times = array("Q", offsets), array("Q", lines), array("d", times)


def _count(path: Path, start: int, end: int, lines: int) -> list[tuple[int, int]]:
    """The offsets between `start` and `end` at which a mark is due, with the lines before each; `end` is the last."""
    marks: list[tuple[int, int]] = []
    if start >= end:
        return marks
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            while start < end and (data := file.read(min(_READ, end - start))):
                for at in range(0, len(data), STRIDE):
                    stop = min(at + STRIDE, len(data))
                    lines += data.count(b"\n", at, stop)
                    marks.append((start + stop, lines))
                start += len(data)
    except OSError:
        return marks
    return marks


def _newlines(path: Path, start: int, end: int) -> int:
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            count = 0
            while start < end and (data := file.read(min(_READ, end - start))):
                count += data.count(b"\n")
                start += len(data)
            return count
    except OSError:
        return 0


def after_newline(path: Path, start: int, nth: int) -> int:
    """The offset behind the nth newline from `start` on; the end of the file where there are fewer."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            while data := file.read(STRIDE if nth > 1 else _LINE):
                found = data.count(b"\n")
                if found < nth:
                    nth -= found
                    start += len(data)
                    continue
                at = -1
                for _ in range(nth):
                    at = data.find(b"\n", at + 1)
                return start + at + 1
    except OSError:
        return start
    return start
