"""Frames and logs as one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from devbox.control.protocol import Bye
from devbox.control.server import merged
from devbox.domain.errors import ControlError


async def quiet(end: asyncio.Event) -> AsyncIterator[object]:
    await end.wait()
    yield Bye("it ends")


async def lines(count: int, *, then: Exception | None = None) -> AsyncIterator[object]:
    for number in range(count):
        yield number
    if then is not None:
        raise then
    await asyncio.Event().wait()


async def test_logs_that_break_off_end_the_stream_with_their_reason() -> None:
    seen: list[object] = []

    async def follow() -> None:
        async for item in merged(quiet(asyncio.Event()), lines(200, then=ControlError("the search broke off"))):
            seen.append(item)

    async with asyncio.timeout(20):
        with pytest.raises(ControlError, match="the search broke off"):
            await follow()
    assert seen == [*range(200)]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_bye_comes_last() -> None:
    end = asyncio.Event()
    seen: list[object] = []
    async with asyncio.timeout(20):
        async for item in merged(quiet(end), finite(100, end)):
            seen.append(item)
    assert seen == [*range(100), Bye("it ends")]


async def finite(count: int, end: asyncio.Event) -> AsyncIterator[object]:
    end.set()
    for number in range(count):
        yield number
