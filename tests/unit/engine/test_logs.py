"""Logs out of files: whole, in order, merged by time, followed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devbox.domain.spec import UnitKey
from devbox.engine.logs import LogStore
from devbox.engine.logs.index import Index
from devbox.engine.logs.stream import offset_of_tail, read_block, split
from devbox.runtimes.base import LogFiles

API, DB = UnitKey("api"), UnitKey("db")

plain_lines = st.binary(max_size=50).filter(lambda b: b"\n" not in b and not b.endswith(b"\r"))


def store(folder: Path) -> LogStore:
    return LogStore(folder, lambda key: LogFiles(folder / f"{key}.stdout", folder / f"{key}.stderr"))


def write(folder: Path, key: UnitKey, text: str | bytes, stream: str = "stdout") -> None:
    with (folder / f"{key}.{stream}").open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


async def read(logs: LogStore, *services: str, tail: int | None = None) -> list[str]:
    chunks = [chunk async for chunk in logs.read(services, tail=tail, follow=False)]
    return [f"{chunk.service}:{line}" for chunk in chunks for line in chunk.lines]


async def test_streams_are_merged_by_when_they_were_seen_to_grow(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.know([API, DB])
    for number in range(3):
        write(tmp_path, API, f"a{number}\n")
        logs.mark(API)
        write(tmp_path, DB, f"d{number}\n", stream="stderr")
        logs.mark(DB)
    assert await read(logs) == ["api:a0", "db:d0", "api:a1", "db:d1", "api:a2", "db:d2"]
    again = store(tmp_path)
    again.know([API, DB])
    assert await read(again) == await read(logs), "times are kept on disk"


async def test_tail_counts_for_each_replica_over_both_streams(tmp_path: Path) -> None:
    logs = store(tmp_path)
    write(tmp_path, API, "".join(f"a{n}\n" for n in range(50)))
    logs.mark(API)
    write(tmp_path, API, "oops\n", stream="stderr")
    logs.mark(API)
    assert await read(logs, tail=3) == ["api:a48", "api:a49", "api:oops"]
    assert logs.tail(API, 2) == ("a49", "oops")


async def test_a_follower_gets_each_line_once_also_in_pieces(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.know([API])
    logs.start()
    got: list[str] = []

    async def follow() -> None:
        async for chunk in logs.read((), tail=None, follow=True):
            got.extend(chunk.lines)

    task = asyncio.create_task(follow())
    for number in range(200):
        write(tmp_path, API, f"line {number}"[:4])
        await asyncio.sleep(0)
        write(tmp_path, API, f"line {number}"[4:] + "\n")
    logs.finish()
    await asyncio.wait_for(task, 5)
    await logs.close()
    assert got == [f"line {number}" for number in range(200)]


async def test_who_looks_through_logs_ends_with_them(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.know([API])
    logs.start()
    (looking,) = (t for t in asyncio.all_tasks() if "_look_through" in repr(t.get_coro()))
    await asyncio.sleep(0)
    logs.finish()
    async with asyncio.timeout(20):
        await looking
    await logs.close()


async def test_growth_wakes_a_follower_without_being_told(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.know([API])
    logs.start()
    stream = logs.read((), tail=0, follow=True)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.3)
    write(tmp_path, API, "hello\n")
    chunk = await asyncio.wait_for(waiting, 2)
    assert chunk.lines == ("hello",)
    await stream.aclose()
    await logs.close()


def watches() -> int:
    """How many inotify watches this process has, as the kernel says."""
    told = 0
    for each in Path("/proc/self/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            told += sum(line.startswith("inotify wd:") for line in each.read_text().splitlines())
    return told


async def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come about"
        await asyncio.sleep(0.005)


async def test_a_file_that_grows_is_not_watched_meanwhile(tmp_path: Path) -> None:
    logs = store(tmp_path)
    write(tmp_path, API, "before\n")
    logs.know([API])
    before = watches()
    logs.start()
    await until(lambda: watches() == before + 2, "a watch of the folder and of the quiet file")
    lines = 1

    def only_the_folder() -> bool:
        nonlocal lines
        write(tmp_path, API, "more\n")
        lines += 1
        return watches() == before + 1

    await until(only_the_folder, "the end of its watch")
    for _ in range(20):
        write(tmp_path, API, "more\n")
        lines += 1
        await asyncio.sleep(0.005)
    await until(lambda: watches() == before + 2, "the watch of a file that is quiet again")
    assert len(logs.tail(API, 1000)) == lines
    await logs.close()
    assert watches() == before


async def test_files_that_come_go_and_are_replaced_are_followed(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.start()
    logs.know([API])
    seen: list[str] = []

    async def follow() -> None:
        async for chunk in logs.read((), tail=None, follow=True):
            seen.extend(chunk.lines)

    task = asyncio.create_task(follow())
    for turn in range(5):
        write(tmp_path, API, f"first of {turn}\n")
        await until(lambda last=f"first of {turn}": last in seen, "a line of a new file")  # type: ignore[misc]
        write(tmp_path, API, f"second of {turn}\n")
        await until(lambda last=f"second of {turn}": last in seen, "a line of a file that is known")  # type: ignore[misc]
        (tmp_path / f"{API}.stdout").unlink()
        await until(lambda: logs.lines(API, "stdout", 0, 1).lines == (), "the end of a file")
    logs.finish()
    async with asyncio.timeout(20):
        await task
    await logs.close()
    assert seen == [f"{which} of {turn}" for turn in range(5) for which in ("first", "second")]


def test_find_looks_only_at_what_came_since(tmp_path: Path) -> None:
    logs = store(tmp_path)
    write(tmp_path, API, "ready in an earlier life\n")
    logs.mark(API)
    began = time.time()
    assert logs.find(API, re.compile("ready"), began) is None
    write(tmp_path, API, "ready now\n")
    assert logs.find(API, re.compile("ready"), began) == "ready now"


@settings(deadline=None)
@given(
    st.lists(st.binary(max_size=50).filter(lambda b: b"\n" not in b and not b.endswith(b"\r")), max_size=30),
    st.integers(0, 35),
)
def test_tail_and_count_agree_with_the_plain_way(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], wanted: int
) -> None:
    path = tmp_path_factory.mktemp("logs") / "log"
    data = b"".join(line + b"\n" for line in lines)
    path.write_bytes(data)
    start = offset_of_tail(path, wanted, len(data))
    assert data[start:] == b"".join(line + b"\n" for line in lines[max(0, len(lines) - wanted) :])
    index = Index(path)
    index.note(len(data), 1.0)
    assert index.line_at(start) == max(0, len(lines) - wanted)
    assert index.offset_of(max(0, len(lines) - wanted)) == start
    whole = read_block(path, 0, len(data))
    assert split(whole) == tuple(line.decode("utf-8", "replace") for line in lines) if lines else whole == b""


def test_a_line_longer_than_a_block_comes_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * (40 << 20) + b"\nend\n")
    size, offset, blocks = path.stat().st_size, 0, []
    while offset < size:
        block = read_block(path, offset, size)
        assert block
        offset += len(block)
        blocks.append(block)
    assert b"".join(blocks) == path.read_bytes()
    assert len(blocks) == 2


def test_a_line_of_ten_megabytes_comes_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before\n" + b"x" * (10 << 20) + b"\nend\n")
    size = path.stat().st_size
    lines, offset = [], 0
    while offset < size:
        block = read_block(path, offset, size)
        offset += len(block)
        lines += split(block)
    assert [len(line) for line in lines] == [6, 10 << 20, 3]


def test_a_torn_index_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 20)
    index = Index(log)
    index.note(10, 1.0)
    index.note(20, 2.0)
    with (tmp_path / "log.index").open("ab") as file:
        file.write(b"torn")
    again = Index(log)
    assert again.size == 20
    assert again.at(15) == 2.0
    assert again.size_before(1.5) == 10
    log.write_bytes(b"x" * 30)
    again.note(30, 3.0)
    assert Index(log).at(25) == 3.0, "what is noted after a torn mark is in step"


async def test_last_words_are_those_of_this_life(tmp_path: Path) -> None:
    logs = store(tmp_path)
    write(tmp_path, API, "an earlier life\n")
    logs.mark(API)
    began = time.time()
    assert logs.tail(API, 5, since=began) == ()
    write(tmp_path, API, "this life\n")
    assert logs.tail(API, 5, since=began) == ("this life",)
    assert logs.tail(API, 5) == ("an earlier life", "this life")
