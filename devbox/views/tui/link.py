"""The wire between a control and a panel: streams that are closed when left, and come back when they were lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from devbox.control.protocol import Bye, Control, Frame
from devbox.domain.errors import DevboxError
from devbox.domain.log import LogChunk, LogQuery
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.search import Search

T = TypeVar("T")

MOST_FOUND = 20_000
"""Lines that a search brings at most."""

PAUSE = 1.0
"""Seconds between two attempts to reach a supervisor."""


@asynccontextmanager
async def opened(stream: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """`stream`, let go of for certain at the end of the block."""
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


async def lines_with(control: Control, text: str) -> AsyncIterator[LogChunk]:
    """The lines of every service that have a text, of the whole history, in the order of time."""
    async with opened(control.search(LogQuery(text=text, limit=MOST_FOUND))) as chunks:
        async for chunk in chunks:
            yield chunk


async def lines_like(control: Control, text: str) -> AsyncIterator[LogChunk]:
    """The latest lines of every service that a search as in the viewer finds, in the order of time."""
    search = Search(text)
    pattern, ignore_case = search.pattern.pattern, bool(search.pattern.flags & re.IGNORECASE)
    query = LogQuery(text=pattern, regex=True, ignore_case=ignore_case, limit=MOST_FOUND, newest_first=True)
    async with opened(control.search(query)) as chunks:
        for chunk in [chunk async for chunk in chunks][::-1]:
            yield chunk


async def lines_before(control: Control, service: str, until: float, count: int) -> list[LogChunk]:
    """The `count` lines of a service (empty: of all) that were seen last before a time, oldest first."""
    services = (service,) if service else ()
    query = LogQuery(services, until=until, limit=count, newest_first=True)
    async with opened(control.search(query)) as chunks:
        return [chunk async for chunk in chunks][::-1]


async def watch(control: Control, mesh: Mesh, changed: Callable[[Frame | None], None]) -> None:
    """Keep `mesh` up to date without end. `changed` hears of every frame, and with None of a lost connection."""
    while True:
        try:
            await _until_bye(control, mesh, changed)
        except DevboxError as error:
            mesh.lost(error.message)
        except ValueError as error:
            mesh.lost(f"The supervisor speaks another version: {error}")
        changed(None)
        await asyncio.sleep(PAUSE)


async def _until_bye(control: Control, mesh: Mesh, changed: Callable[[Frame | None], None]) -> None:
    async with opened(control.frames()) as frames:
        async for frame in frames:
            mesh.apply(frame)
            changed(frame)
            if isinstance(frame, Bye):
                return
    mesh.lost(f"The supervisor of {mesh.project} ended.")
