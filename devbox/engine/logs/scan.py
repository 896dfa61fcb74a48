"""A search through the log files: in blocks, forwards or backwards, merged by time.

Large ones run as `python -m` of this module, in processes of their own: the job comes on stdin as JSON, chunks go out
on stdout, one a line. So a search never keeps the supervisor from its work, and uses every core.
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from devbox.domain.codec import decode, encode
from devbox.domain.log import Level, LogChunk, LogQuery
from devbox.domain.logformat import Grouping
from devbox.engine.logs.cells import Cells
from devbox.engine.logs.index import Index, after_newline
from devbox.engine.logs.pattern import Pattern, Span, grave_spans, pattern_of
from devbox.engine.logs.records import continuing, letters_at, level_at, text_of

BLOCK = 1 << 20
"""Bytes looked through at once."""

_LONGEST = 64 << 20
_AT_ONCE = 1000
"""Lines of a chunk, at most."""

_SOON = 0.05
"""Seconds after which what was found goes out, though more may follow at once."""

_AT_WORK = 5.0
"""Seconds between two signs of life of a search that finds nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of one stream that is to be looked through: from a line's start to the end of one."""

    service: str
    replica: int
    stream: str
    path: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Job:
    """What is looked for, and where."""

    query: LogQuery
    parts: tuple[Part, ...]


def scan(job: Job) -> Iterator[LogChunk]:
    """The chunks that a job finds, in order of time, at most `limit` lines. Raises UsageError for a bad pattern."""
    query = job.query
    search = _Search(query, pattern_of(query))
    streams = [search.chunks(part) for part in job.parts]
    merged = heapq.merge(*streams, key=lambda chunk: chunk.at, reverse=query.newest_first)
    return limited(merged, query.limit, newest_first=query.newest_first)


def limited(chunks: Iterable[LogChunk], limit: int | None, *, newest_first: bool) -> Iterator[LogChunk]:
    """Of chunks, no more than so many lines: the last ones of a chunk where they come backwards."""
    left = limit
    for chunk in chunks:
        if left is not None and len(chunk.lines) >= left:
            if left > 0:
                yield _cut(chunk, left, last=newest_first)
            return
        left = None if left is None else left - len(chunk.lines)
        yield chunk


def _cut(chunk: LogChunk, count: int, *, last: bool) -> LogChunk:
    if not last:
        return replace(chunk, lines=chunk.lines[:count], levels=chunk.levels[:count])
    first = len(chunk.lines) - count
    return replace(chunk, first_line=chunk.first_line + first, lines=chunk.lines[first:], levels=chunk.levels[first:])


def matching(chunk: LogChunk, pattern: Pattern, query: LogQuery) -> Iterator[LogChunk]:
    """The lines of a chunk that a query asks for, as chunks of lines that follow each other."""
    wanted = [
        pattern.matches(line) and (query.level is None or (chunk.level(i) or 0) >= query.level)
        for i, line in enumerate(chunk.lines)
    ]
    first = 0
    for hit, run in itertools.groupby(wanted):
        end = first + len(list(run))
        if hit:
            lines, levels = chunk.lines[first:end], chunk.levels[first:end]
            yield replace(chunk, first_line=chunk.first_line + first, lines=lines, levels=levels)
        first = end


def last_of_each(chunks: list[LogChunk], lines: int) -> list[LogChunk]:
    """Of chunks in order of time, the last so many lines of each replica."""
    left: dict[tuple[str, int], int] = {}
    kept: list[LogChunk] = []
    for chunk in reversed(chunks):
        key = (chunk.service, chunk.replica)
        room = left.setdefault(key, lines)
        if room > 0:
            skipped = max(0, len(chunk.lines) - room)
            first, rest, levels = chunk.first_line + skipped, chunk.lines[skipped:], chunk.levels[skipped:]
            kept.append(replace(chunk, first_line=first, lines=rest, levels=levels))
            left[key] = room - len(chunk.lines)
    return kept[::-1]


class _Search:
    """One query, on one stream after the other."""

    def __init__(self, query: LogQuery, pattern: Pattern) -> None:
        self._query, self._pattern = query, pattern
        self._every = pattern.literals is None and query.level is None

    def chunks(self, part: Part) -> Iterator[LogChunk]:
        """What is found in one stream, in order."""
        index = Index(Path(part.path))
        for each in self._narrowed(part):
            for start, block in blocks(each, backwards=self._query.newest_first):
                found = self._in_block(part, index, start, block)
                yield from reversed(list(found)) if self._query.newest_first else found

    def _narrowed(self, part: Part) -> Iterator[Part]:
        """Where in a part there can be something, from a line's start to the end of one."""
        level = self._query.level
        if level is None or level < Level.WARN or self._pattern.literals is not None:
            yield part
            return
        path = Path(part.path)
        places = Cells(path).places(part.start, part.end, level)
        for first, last in reversed(places) if self._query.newest_first else places:
            start = first if first <= part.start else after_newline(path, first - 1, 1)
            end = last if last >= part.end else after_newline(path, last - 1, 1)
            if start < end:
                yield replace(part, start=start, end=min(end, part.end))

    def _in_block(self, part: Part, index: Index, start: int, block: bytes) -> Iterator[LogChunk]:
        line = -1
        counted = 0
        for run in _runs(self._spans(block), block):
            first, end = run[0][0], run[-1][1]
            line = index.line_at(start) if line < 0 else line
            line, counted = line + block.count(b"\n", counted, first), first
            yield from _by_time(part, index, start, block[first:end], first, line, self._letters(block, run))

    def _spans(self, block: bytes) -> Iterator[Span]:
        if self._query.level is None:
            return self._pattern.spans(block)
        return self._grave_enough(block)

    def _grave_enough(self, block: bytes) -> Iterator[Span]:
        """Lines of the level that is asked for, each with what continues it."""
        level = self._query.level
        before = -1
        for start, end in self._candidates(block):
            if start < before or level is None:
                continue
            if (found := level_at(block, start, end)) is None or found < level:
                continue
            yield start, end
            before = end
            if self._pattern.literals is None:
                for more in continuing(block, start, end):
                    before = more[1]
                    yield more

    def _candidates(self, block: bytes) -> Iterator[Span]:
        level = self._query.level
        if self._pattern.literals is None and level is not None and level >= Level.WARN:
            return grave_spans(block)
        return self._pattern.spans(block)

    def _letters(self, block: bytes, run: list[Span]) -> str:
        first, end = run[0]
        head = letters_at(block, first, end)
        if len(run) == 1:
            return head
        grouping = Grouping()
        return head + grouping.letters([text_of(block[a:b]) for a, b in run])[1:]


def blocks(part: Part, *, backwards: bool) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole lines with their offsets; only the last one of a stream may lack its newline."""
    with open(part.path, "rb", buffering=0) as file:
        at = part.end if backwards else part.start
        while (at > part.start) if backwards else (at < part.end):
            start, data = _before(file, part.start, at) if backwards else (at, _behind(file, at, part.end))
            if not data:
                return
            yield start, data
            at = start if backwards else at + len(data)


def _behind(file: object, start: int, end: int) -> bytes:
    length = BLOCK
    while True:
        data = _read(file, start, min(end, start + length))
        whole = data.rfind(b"\n") + 1
        if start + len(data) >= end or (whole == 0 and length >= _LONGEST):
            return data
        if whole:
            return data[:whole]
        length *= 2


def _before(file: object, begin: int, end: int) -> tuple[int, bytes]:
    length = BLOCK
    while True:
        start = max(begin, end - length)
        data = _read(file, start, end)
        first = 0 if start == begin else data.find(b"\n") + 1
        if start == begin or length >= _LONGEST:
            return start, data
        if 0 < first < len(data):
            return start + first, data[first:]
        length *= 2


def _read(file: object, start: int, end: int) -> bytes:
    file.seek(start)  # type: ignore[attr-defined]
    pieces: list[bytes] = []
    while start < end and (piece := file.read(end - start)):  # type: ignore[attr-defined]
        pieces.append(piece)
        start += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _runs(spans: Iterator[Span], block: bytes) -> Iterator[list[Span]]:
    """Lines that follow each other directly, together."""
    run: list[Span] = []
    for span in spans:
        if run and (span[0] != run[-1][1] + 1 or len(run) >= _AT_ONCE):
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _by_time(
    part: Part, index: Index, base: int, data: bytes, first: int, line: int, letters: str
) -> Iterator[LogChunk]:
    """Consecutive lines as chunks, one for each time at which they were seen."""
    start, end, done, taken = base + first, base + first + len(data), 0, 0
    for limit, at in index.marks(start, end):
        cut = len(data) if limit == end else data.rfind(b"\n", done, limit - start) + 1
        if cut <= done:
            continue
        texts = tuple([text_of(each) for each in data[done:cut].removesuffix(b"\n").split(b"\n")])
        levels = letters[taken : taken + len(texts)]
        yield LogChunk(part.service, part.replica, part.stream, line + taken, at, texts, levels)
        taken, done = taken + len(texts), cut


class _Out:
    """Where a search in a process of its own says what it found, and every few seconds that it is still at work."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._lock, self._flushed = file, threading.Lock(), 0.0
        threading.Thread(target=self._tick, daemon=True).start()

    def say(self, chunk: LogChunk) -> None:
        """A chunk: soon, but not each by itself."""
        data = json.dumps(encode(chunk), separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._file.write(data)
            if (now := time.monotonic()) - self._flushed > _SOON:
                self._file.flush()
                self._flushed = now

    def flush(self) -> None:
        """Nothing more comes."""
        with self._lock:
            self._file.flush()

    def _tick(self) -> None:
        while True:
            time.sleep(_AT_WORK)
            with self._lock:
                try:
                    self._file.write(b"\n")
                    self._file.flush()
                except OSError:
                    # Whoever asked has what it wanted; there is nobody to search for.
                    os._exit(0)


def main() -> None:
    """Do the job that stdin names."""
    job = decode(Job, json.loads(sys.stdin.buffer.read()))
    try:
        out = _Out(sys.stdout.buffer)
        for chunk in scan(job):
            out.say(chunk)
        out.flush()
    except BrokenPipeError:
        # Whoever asked has what it wanted.
        sys.stderr.close()


if __name__ == "__main__":
    main()
