"""A search over all streams: small ones on a thread, large ones in a process for each core."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Collection
from dataclasses import replace
from pathlib import Path

import devbox
from devbox.domain.codec import decode, encode
from devbox.domain.errors import ControlError
from devbox.domain.log import LogChunk, LogQuery
from devbox.domain.spec import UnitKey
from devbox.engine.logs.index import Index
from devbox.engine.logs.pattern import pattern_of
from devbox.engine.logs.scan import Job, Part, limited, scan

_SMALL = 2 << 20
"""Bytes up to which a thread is done before a process would have begun."""

_MOST_AT_ONCE = 4 * _SMALL
_MOST_PROCESSES = 4
_LONGEST_CHUNK = 256 << 20
_SILENCE = 60.0
"""Seconds after which a process that gives no sign of life is given up."""

_PROGRAM = "import sys; sys.path[:0] = {path!r}; from devbox.engine.logs.scan import main; main()"

Place = tuple[UnitKey, str, Index, int]
"""A stream: whose it is, its name, its index, and the offset up to which it is looked through."""


async def search(places: Collection[Place], query: LogQuery) -> AsyncGenerator[LogChunk]:
    """What a query finds, in order of time. Raises UsageError for a bad pattern."""
    pattern_of(query)
    parts = [part for place in places if (part := _part(place, query)).start < part.end]
    total = sum(part.end - part.start for part in parts)
    if total <= _SMALL:
        for chunk in await asyncio.to_thread(lambda: list(scan(Job(query, tuple(parts))))):
            yield chunk
        return
    indexes = {str(place[2].log): place[2] for place in places}
    async with contextlib.aclosing(_in_large(parts, indexes, query)) as found:
        left = query.limit
        async for chunk in found:
            for kept in limited([chunk], left, newest_first=query.newest_first):
                yield kept
            left = None if left is None else left - len(chunk.lines)
            if left is not None and left <= 0:
                return


async def _in_large(parts: list[Part], indexes: dict[str, Index], query: LogQuery) -> AsyncGenerator[LogChunk]:
    """What is found in more than a little: the latest at once where that comes first, the rest by processes."""
    if query.newest_first:
        parts, latest = cut(parts, indexes, max(part.end - part.start for part in parts) - _SMALL)
        if sum(part.end - part.start for part in latest) > _MOST_AT_ONCE:
            parts, latest = [*parts, *latest], []
        for chunk in await asyncio.to_thread(lambda: list(scan(Job(query, tuple(latest))))):
            yield chunk
    jobs = split(parts, indexes, min(os.cpu_count() or 1, _MOST_PROCESSES))
    if query.newest_first:
        jobs.reverse()
    async with contextlib.aclosing(_in_processes([Job(query, tuple(each)) for each in jobs])) as found:
        async for chunk in found:
            yield chunk


def _part(place: Place, query: LogQuery) -> Part:
    key, stream, index, end = place
    start = index.begin if query.since is None else max(index.begin, index.size_before(query.since))
    end = end if query.until is None else min(end, index.size_until(query.until))
    start = start if start == index.begin else index.offset_of(index.line_at(start))
    return Part(key.service, key.replica, stream, str(index.log), start, end)


def split(parts: list[Part], indexes: dict[str, Index], count: int) -> list[list[Part]]:
    """The same parts as up to `count` lists of about as many bytes each, one after the other in time."""
    if count <= 1 or not parts:
        return [parts]
    first, rest = cut(parts, indexes, max(part.end - part.start for part in parts) // count)
    return [first, *split(rest, indexes, count - 1)] if first and rest else [parts]


def cut(parts: list[Part], indexes: dict[str, Index], share: int) -> tuple[list[Part], list[Part]]:
    """What is older, and what is newer, than the line about `share` bytes behind the start of the largest part."""
    largest = max(parts, key=lambda part: part.end - part.start)
    index = indexes[largest.path]
    middle = index.offset_of(index.line_at(largest.start + share) + 1)
    if not largest.start < middle < largest.end:
        return parts, []
    at = index.at(middle)
    older, newer = [], []
    for part in parts:
        here = middle if part is largest else _line_start(indexes[part.path], indexes[part.path].size_before(at))
        here = min(max(here, part.start), part.end)
        older.append(replace(part, end=here))
        newer.append(replace(part, start=here))
    return [part for part in older if part.start < part.end], [part for part in newer if part.start < part.end]


def _line_start(index: Index, offset: int) -> int:
    return index.offset_of(index.line_at(offset))


async def _in_processes(jobs: list[Job]) -> AsyncGenerator[LogChunk]:
    """What jobs find that run side by side, one job's after the other's."""
    running = [await _start(job) for job in jobs]
    try:
        for process in running:
            async for chunk in _chunks_of(process):
                yield chunk
    finally:
        for process in running:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        await asyncio.gather(*(process.wait() for process in running))


async def _start(job: Job) -> asyncio.subprocess.Process:
    path = [str(Path(devbox.__file__).parent.parent)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", _PROGRAM.format(path=path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_CHUNK,
    )  # fmt: skip
    if process.stdin is not None:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(encode(job)).encode())
            await process.stdin.drain()
        process.stdin.close()
    return process


async def _chunks_of(process: asyncio.subprocess.Process) -> AsyncGenerator[LogChunk]:
    if process.stdout is None:
        return
    while line := await _line_of(process.stdout):
        if line != b"\n":
            yield decode(LogChunk, json.loads(line))
        await asyncio.sleep(0)
    if await process.wait() != 0:
        raise ControlError("the search broke off", hint="`supervisor.log` of the project has more.")


async def _line_of(stream: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(stream.readline(), _SILENCE)
    except TimeoutError as exc:
        hint = "Ask with a simpler expression, or for a shorter time."
        raise ControlError(f"the search did not move for {_SILENCE:g} s", hint=hint) from exc
