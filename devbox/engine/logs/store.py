"""The log store: what every replica has written, over all its lives."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import re
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devbox.domain.log import LogChunk, LogQuery
from devbox.domain.logformat import Grouping
from devbox.domain.spec import UnitKey
from devbox.engine.logs.cells import Cells
from devbox.engine.logs.growth import Growth
from devbox.engine.logs.index import Index
from devbox.engine.logs.pattern import pattern_of
from devbox.engine.logs.rotate import free
from devbox.engine.logs.scan import last_of_each, matching
from devbox.engine.logs.search import search
from devbox.engine.logs.stream import offset_of_tail, read_block, size, split
from devbox.runtimes.base import LogFiles

_LOOK_EVERY = 1.0
_IDLE_SHARE = 3
"""Logs are looked through once a second at most, and for no more than a quarter of the time."""

LIMIT = 1 << 30
"""Bytes of a stream beyond which its oldest quarter is given back to the disk."""

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Stream:
    """One stream of one replica."""

    key: UnitKey
    name: str
    path: Path
    index: Index
    cells: Cells
    full: bool = False
    emptied: bool = False
    limit: int | None = None


@dataclass
class _Cursor:
    """How far a reader has come in a stream, in bytes and in lines, and where it ends, if it does.

    `grouping` knows the line before.
    """

    stream: _Stream
    offset: int
    line: int
    end: int | None = None
    grouping: Grouping = field(default_factory=Grouping)


@dataclass
class _Sought:
    """A line that is waited for: since when, how far each stream was looked through, and the line once it has come."""

    since: float
    starts: dict[_Stream, int]
    found: str | None = None


class LogStore:
    """Reads the files that services write to. `locate` tells where the files of a replica are."""

    def __init__(self, folder: Path, locate: Callable[[UnitKey], LogFiles], limit: int = LIMIT) -> None:
        self.folder, self._locate, self._limit = folder, locate, limit
        self._streams: dict[UnitKey, tuple[_Stream, _Stream]] = {}
        self._growth = Growth(folder, self._note)
        self._by_name: dict[str, _Stream] = {}
        self._sought: dict[tuple[UnitKey, str], _Sought] = {}
        self._grown = asyncio.Event()
        self._generation = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._finished = False

    def know(self, keys: Collection[UnitKey]) -> None:
        """Note which replicas there are, so that their files are followed."""
        for key in keys:
            if key not in self._streams:
                files = self._locate(key)
                pair = _stream(key, "stdout", files.stdout), _stream(key, "stderr", files.stderr)
                self._streams[key] = pair
                self._by_name.update({stream.path.name: stream for stream in pair})
                self._growth.know([stream.path.name for stream in pair])

    def limit(self, limits: Mapping[UnitKey, int | None]) -> None:
        """Keep no more than so many bytes of each stream of these replicas; None: as many as of any."""
        self.know(limits.keys())
        for key, limit in limits.items():
            for stream in self._streams[key]:
                stream.limit = limit

    def start(self) -> None:
        """Begin to note when files grow."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tasks = [asyncio.create_task(self._growth.follow()), asyncio.create_task(self._look_through())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tail(self, key: UnitKey, lines: int, since: float = 0.0) -> tuple[str, ...]:
        """The last lines of a replica, both streams merged by time; only those seen since a time (epoch seconds)."""
        return tuple(line for chunk in last_of_each(self._history(key, lines, since), lines) for line in chunk.lines)

    def mark(self, key: UnitKey) -> None:
        """Take note of how long a replica's logs are now, before a new life of it begins."""
        self.know([key])
        self._note_growth()

    def find(self, key: UnitKey, pattern: re.Pattern[str], since: float) -> str | None:
        """The first line of a replica that matches, of those seen since a time (seconds since the epoch).

        Who asks again and again has only what came meanwhile looked through.
        """
        self.mark(key)
        asked = self._sought.get((key, pattern.pattern))
        if asked is None or asked.since != since:
            starts = {stream: stream.index.size_before(since) for stream in self._streams[key]}
            asked = self._sought[key, pattern.pattern] = _Sought(since, starts)
        for stream in self._streams[key]:
            if asked.found is None:
                asked.found = _first_match(stream, pattern, asked)
        return asked.found

    async def read(self, services: Collection[str], *, tail: int | None, follow: bool) -> AsyncGenerator[LogChunk]:
        """The last `tail` lines (None: all) of services (none named: all), then with `follow` whatever comes, for ever.

        Each line comes exactly once and the lines of a stream in order.
        """
        self._note_growth()
        ends = {stream: None if follow else stream.index.size for stream in self._wanted(services)}
        cursors = {stream: await asyncio.to_thread(_begin, stream, tail, end) for stream, end in ends.items()}
        if tail is not None:
            for chunk in last_of_each(self._drain(list(cursors.values()), partial=not follow), tail):
                yield chunk
        async with contextlib.aclosing(self._follow(cursors, services, follow=follow)) as later:
            async for chunk in later:
                yield chunk

    async def _follow(
        self, cursors: dict[_Stream, _Cursor], services: Collection[str], *, follow: bool
    ) -> AsyncGenerator[LogChunk]:
        """What the cursors have not seen yet; with `follow` whatever comes, of streams that begin later too."""
        while True:
            generation = self._generation
            for stream in self._wanted(services) if follow else ():
                cursors.setdefault(stream, _Cursor(stream, stream.index.begin, stream.index.first_line))
            last = self._finished or not follow
            while chunks := self._collect(list(cursors.values()), partial=last):
                for chunk in chunks:
                    yield chunk
                await asyncio.sleep(0)
            if last:
                return
            await self._growth_after(generation)

    async def search(self, query: LogQuery, *, follow: bool = False) -> AsyncGenerator[LogChunk]:
        """What a query finds in the whole history; with `follow` then whatever comes that it asks for, for ever.

        Raises UsageError for a bad pattern.
        """
        self._note_growth()
        streams = self._wanted(query.services)
        ends = {s: s.index.offset_of(s.index.lines) if follow else s.index.size for s in streams}
        lines = {stream: stream.index.lines for stream in streams}
        places = [(stream.key, stream.name, stream.index, ends[stream]) for stream in streams]
        async with contextlib.aclosing(search(places, query)) as found:
            async for chunk in found:
                yield chunk
        if follow:
            cursors = {stream: _Cursor(stream, end, lines[stream]) for stream, end in ends.items()}
            pattern = pattern_of(query)
            async with contextlib.aclosing(self._follow(cursors, query.services, follow=True)) as later:
                async for chunk in later:
                    for kept in matching(chunk, pattern, query):
                        yield kept

    def lines(self, key: UnitKey, stream: str, first: int, count: int) -> LogChunk:
        """At most `count` lines of one stream from line `first` on."""
        self.mark(key)
        chosen = self._streams[key][stream == "stderr"]
        index = chosen.index
        start, end = index.offset_of(first), index.offset_of(first + count)
        chunks = self._drain([_Cursor(chosen, start, max(first, index.first_line), end)], partial=True)
        lines = tuple(line for chunk in chunks for line in chunk.lines)
        levels = "".join(chunk.levels for chunk in chunks)
        at = chunks[-1].at if chunks else index.at(start)
        return LogChunk(key.service, key.replica, stream, max(first, index.first_line), at, lines, levels)

    def finish(self) -> None:
        """Nothing more will be written: those who follow get what is left, and then an end."""
        self._note_growth()
        self._finished = True
        self._wake()

    def _wake(self) -> None:
        """Wake whoever waits now; the next to wait needs the next growth."""
        self._generation += 1
        self._grown.set()
        self._grown.clear()

    async def _growth_after(self, generation: int) -> None:
        while self._generation == generation and not self._finished:
            await self._grown.wait()

    def _wanted(self, services: Collection[str]) -> list[_Stream]:
        return [s for key, pair in self._streams.items() if not services or key.service in services for s in pair]

    def _rotate(self, stream: _Stream) -> None:
        """Give back the oldest part of a log that has grown beyond its limit."""
        index = stream.index
        limit = stream.limit or self._limit
        if stream.full or index.size - index.begin <= limit:
            return
        begin = index.drop_before(index.size - limit * 3 // 4)
        if not free(stream.path, begin):
            stream.full = True
            log.warning("%s cannot be made smaller: its file system has no holes", stream.path)

    def _history(self, key: UnitKey, tail: int, since: float) -> list[LogChunk]:
        self.mark(key)
        cursors = [_begin(stream, tail) for stream in self._streams[key]]
        for cursor in cursors:
            cursor.offset = max(cursor.offset, cursor.stream.index.size_before(since))
        return self._drain(cursors, partial=True)

    def _drain(self, cursors: list[_Cursor], *, partial: bool) -> list[LogChunk]:
        chunks: list[LogChunk] = []
        while found := self._collect(cursors, partial=partial):
            chunks += found
        return chunks

    def _collect(self, cursors: list[_Cursor], *, partial: bool) -> list[LogChunk]:
        """What the cursors have not seen yet, about a block of each, merged by time."""
        streams = (_advance(cursor, partial=partial) for cursor in cursors)
        return list(heapq.merge(*streams, key=lambda chunk: chunk.at))

    async def _look_through(self) -> None:
        """Find out which parts of the logs have something grave in them, when there is time."""
        told = False
        while not self._finished:
            generation, began = self._generation, time.monotonic()
            try:
                more = await asyncio.to_thread(self._look)
            except OSError as exc:
                more = False
                if not told:
                    log.warning("searches for levels are slow, as what was found cannot be kept: %s", exc)
                told = True
            if more:
                await asyncio.sleep((time.monotonic() - began) * _IDLE_SHARE)
            else:
                await self._growth_after(generation)
                await asyncio.sleep(_LOOK_EVERY)

    def _look(self) -> bool:
        """Look through the next piece of every log; whether there was any."""
        streams = [stream for pair in list(self._streams.values()) for stream in pair]
        return any([_looked(stream) for stream in streams])

    def _note_growth(self) -> None:
        self._note(self._by_name)

    def _note(self, names: Collection[str]) -> set[str]:
        """Look how long each file is, and wake those who wait for more; which are not as long as they were."""
        now, grown = time.time(), set()
        for name in names:
            stream = self._by_name[name]
            here = size(stream.path)
            if here != stream.index.size:
                stream.emptied = stream.emptied or here < stream.index.size
                stream.index.note(here, now)
                self._rotate(stream)
                grown.add(name)
        if grown:
            self._wake()
        return grown


def _stream(key: UnitKey, name: str, path: Path) -> _Stream:
    return _Stream(key, name, path, Index(path), Cells(path))


def _looked(stream: _Stream) -> bool:
    """Look through the next piece of a log; whether there was one."""
    if stream.emptied or stream.cells.size > stream.index.size:
        stream.emptied = False
        stream.cells.begin_anew()
    return stream.cells.look(stream.index.begin, stream.index.size)


def _first_match(stream: _Stream, pattern: re.Pattern[str], sought: _Sought) -> str | None:
    """The first line that matches behind what was looked through. A line that is not finished is looked at again."""
    start, end = sought.starts[stream], stream.index.size
    if not stream.index.begin <= start <= end:
        start = stream.index.begin
    while start < end and (data := read_block(stream.path, start, end, partial=True)):
        if (found := next(filter(pattern.search, split(data)), None)) is not None:
            return found
        if start + len(data) >= end:
            start += data.rfind(b"\n") + 1
            break
        start += len(data)
    sought.starts[stream] = start
    return None


def _begin(stream: _Stream, tail: int | None, end: int | None = None) -> _Cursor:
    index = stream.index
    last = index.size if end is None else end
    offset = index.begin if tail is None else offset_of_tail(stream.path, tail, last, index.begin)
    return _Cursor(stream, offset, index.line_at(offset), end)


def _advance(cursor: _Cursor, *, partial: bool) -> Iterator[LogChunk]:
    """The next lines of one stream, a chunk for each time at which it was seen to grow."""
    stream, index = cursor.stream, cursor.stream.index
    if not index.begin <= cursor.offset <= index.size:
        # What a slow reader has not seen was rotated away, or the file was emptied by hand.
        cursor.offset, cursor.line = index.begin, index.first_line
    start, end = cursor.offset, index.size if cursor.end is None else min(cursor.end, index.size)
    data = read_block(stream.path, start, end, partial=partial) if start < end else b""
    done = 0
    for mark, at in index.marks(start, start + len(data)) if data else ():
        cut = len(data) if mark == start + len(data) else data.rfind(b"\n", done, mark - start) + 1
        if cut > done:
            lines = split(data[done:cut])
            key, levels = stream.key, cursor.grouping.letters(lines)
            yield LogChunk(key.service, key.replica, stream.name, cursor.line, at, lines, levels)
            done, cursor.line = cut, cursor.line + len(lines) - (not data.endswith(b"\n", done, cut))
    cursor.offset = start + len(data)
