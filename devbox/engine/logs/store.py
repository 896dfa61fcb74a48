"""The log store: what every replica has written, over all its lives."""

from __future__ import annotations

import asyncio
import heapq
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from devbox.domain.log import LogChunk
from devbox.domain.spec import UnitKey
from devbox.engine.logs.clock import GrowthClock
from devbox.engine.logs.stream import count_lines, offset_of_tail, read_block, size, split
from devbox.runtimes.base import LogFiles

_DEBOUNCE_MS, _STEP_MS = 40, 10
_HEAL_EVERY = 2.0
"""Seconds after which files are looked at even though nothing told that they grew."""

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Stream:
    """One stream of one replica."""

    key: UnitKey
    name: str
    path: Path
    clock: GrowthClock


@dataclass
class _Cursor:
    """How far a reader has come in a stream, in bytes and in lines."""

    stream: _Stream
    offset: int
    line: int


class LogStore:
    """Reads the files that services write to. `locate` tells where the files of a replica are."""

    def __init__(self, folder: Path, locate: Callable[[UnitKey], LogFiles]) -> None:
        self._folder, self._locate = folder, locate
        self._streams: dict[UnitKey, tuple[_Stream, _Stream]] = {}
        self._grown = asyncio.Event()
        self._generation = 0
        self._watching: asyncio.Task[None] | None = None
        self._finished = False

    def know(self, keys: Collection[UnitKey]) -> None:
        """Note which replicas there are, so that their files are followed."""
        for key in keys:
            if key not in self._streams:
                files = self._locate(key)
                self._streams[key] = (
                    _Stream(key, "stdout", files.stdout, GrowthClock(files.stdout)),
                    _Stream(key, "stderr", files.stderr, GrowthClock(files.stderr)),
                )

    def start(self) -> None:
        """Begin to note when files grow."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    def tail(self, key: UnitKey, lines: int, since: float = 0.0) -> tuple[str, ...]:
        """The last lines of a replica, both streams merged by time; only those seen since a time (epoch seconds)."""
        return tuple(line for chunk in _last(self._history(key, lines, since), lines) for line in chunk.lines)

    def mark(self, key: UnitKey) -> None:
        """Take note of how long a replica's logs are now, before a new life of it begins."""
        self.know([key])
        self._note_growth()

    def find(self, key: UnitKey, pattern: re.Pattern[str], since: float) -> str | None:
        """The first line of a replica that matches, of those seen since a time (seconds since the epoch)."""
        self.know([key])
        self._note_growth()
        cursors = [_Cursor(s, s.clock.size_before(since), 0) for s in self._streams[key]]
        for chunk in self._drain(cursors, partial=True):
            for line in chunk.lines:
                if pattern.search(line):
                    return line
        return None

    async def read(self, services: Collection[str], *, tail: int | None, follow: bool) -> AsyncIterator[LogChunk]:
        """The last `tail` lines (None: all) of services (none named: all), then with `follow` whatever comes, for ever.

        Each line comes exactly once and the lines of a stream in order.
        """
        self._note_growth()
        cursors = {s: await asyncio.to_thread(_begin, s, tail) for s in self._wanted(services)}
        if tail is not None:
            for chunk in _last(self._drain(list(cursors.values()), partial=not follow), tail):
                yield chunk
        while True:
            generation = self._generation
            for stream in self._wanted(services):
                cursors.setdefault(stream, _Cursor(stream, 0, 0))
            last = self._finished or not follow
            while chunks := self._collect(list(cursors.values()), partial=last):
                for chunk in chunks:
                    yield chunk
                await asyncio.sleep(0)
            if last:
                return
            await self._growth_after(generation)

    def finish(self) -> None:
        """Nothing more will be written: those who follow get what is left, and then an end."""
        self._note_growth()
        self._finished = True
        self._generation += 1
        self._grown.set()

    async def _growth_after(self, generation: int) -> None:
        while self._generation == generation:
            await self._grown.wait()

    def _wanted(self, services: Collection[str]) -> list[_Stream]:
        return [s for key, pair in self._streams.items() if not services or key.service in services for s in pair]

    def _history(self, key: UnitKey, tail: int, since: float) -> list[LogChunk]:
        self.mark(key)
        cursors = [_begin(stream, tail) for stream in self._streams[key]]
        for cursor in cursors:
            cursor.offset = max(cursor.offset, cursor.stream.clock.size_before(since))
        return self._drain(cursors, partial=True)

    def _drain(self, cursors: list[_Cursor], *, partial: bool) -> list[LogChunk]:
        chunks: list[LogChunk] = []
        while found := self._collect(cursors, partial=partial):
            chunks += found
        return chunks

    def _collect(self, cursors: list[_Cursor], *, partial: bool) -> list[LogChunk]:
        """What the cursors have not seen yet, about a block of each, merged by time."""
        return list(heapq.merge(*(_advance(cursor, partial=partial) for cursor in cursors), key=lambda chunk: chunk.at))

    async def _watch(self) -> None:
        from watchfiles import awatch

        self._note_growth()
        async for _ in awatch(
            self._folder,
            watch_filter=lambda _, path: not path.endswith(".times"),
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=int(_HEAL_EVERY * 1000),
            yield_on_timeout=True,
            recursive=False,
        ):
            if self._note_growth():
                self._generation += 1
                # Wakes whoever waits now; the next to wait needs the next growth.
                self._grown.set()
                self._grown.clear()

    def _note_growth(self) -> bool:
        """Look how long each file is; whether one has grown."""
        now, grown = time.time(), False
        for pair in self._streams.values():
            for stream in pair:
                here = size(stream.path)
                if here > stream.clock.size:
                    stream.clock.note(here, now)
                    grown = True
        return grown


def _begin(stream: _Stream, tail: int | None) -> _Cursor:
    end = stream.clock.size
    offset = 0 if tail is None else offset_of_tail(stream.path, tail, end)
    return _Cursor(stream, offset, count_lines(stream.path, offset))


def _advance(cursor: _Cursor, *, partial: bool) -> Iterator[LogChunk]:
    """The next lines of one stream, a chunk for each time at which it was seen to grow."""
    stream, start, end = cursor.stream, cursor.offset, cursor.stream.clock.size
    data = read_block(stream.path, start, end, partial=partial) if start < end else b""
    done = 0
    for limit, at in stream.clock.marks(start, start + len(data)) if data else ():
        cut = len(data) if limit == start + len(data) else data.rfind(b"\n", done, limit - start) + 1
        if cut > done:
            lines = split(data[done:cut])
            yield LogChunk(stream.key.service, stream.key.replica, stream.name, cursor.line, at, lines)
            done, cursor.line = cut, cursor.line + len(lines)
    cursor.offset = start + len(data)


def _last(chunks: list[LogChunk], lines: int) -> list[LogChunk]:
    """Of chunks in order of time, the last so many lines of each replica."""
    left: dict[tuple[str, int], int] = {}
    kept: list[LogChunk] = []
    for chunk in reversed(chunks):
        key = (chunk.service, chunk.replica)
        room = left.setdefault(key, lines)
        if room > 0:
            skipped = max(0, len(chunk.lines) - room)
            kept.append(replace(chunk, first_line=chunk.first_line + skipped, lines=chunk.lines[skipped:]))
            left[key] = room - len(chunk.lines)
    return kept[::-1]
