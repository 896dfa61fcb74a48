"""Searches through logs: the same lines as the plain way finds, in order of time, by level, forwards and backwards."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devbox.domain.errors import UsageError
from devbox.domain.log import Level, LogChunk, LogQuery
from devbox.domain.spec import UnitKey
from devbox.engine.logs import LogStore
from devbox.engine.logs.cells import CELL, Cells
from devbox.engine.logs.pattern import pattern_of
from devbox.engine.logs.seek import Block
from devbox.runtimes.base import LogFiles
from tests.unit.domain.test_logformat import PLAIN

API, DB = UnitKey("api"), UnitKey("db")

PATTERNS = [
    "ab",
    "a.b",
    "a|bc",
    "[ab]+c",
    r"\d",
    "^a",
    "c$",
    "(?i)AB",
    "é",
    "a?b",
    r"\bab\b",
    "(ab)+",
    "a{2}",
    "[^a]b",
    r"\s",
]


def store(folder: Path, limit: int = 1 << 30) -> LogStore:
    logs = LogStore(folder, lambda key: LogFiles(folder / f"{key}.stdout", folder / f"{key}.stderr"), limit)
    logs.know([API, DB])
    return logs


def write(logs: LogStore, folder: Path, key: UnitKey, text: str, stream: str = "stdout") -> None:
    with (folder / f"{key}.{stream}").open("ab") as file:
        file.write(text.encode())
    logs.mark(key)


async def found(logs: LogStore, query: LogQuery) -> list[LogChunk]:
    return [chunk async for chunk in logs.search(query)]


def texts(chunks: list[LogChunk]) -> list[str]:
    return [line for chunk in chunks for line in chunk.lines]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.text("abcé1 X\udc80"[:7], max_size=8), max_size=30),
    st.sampled_from(PATTERNS),
    st.booleans(),
    st.booleans(),
)
def test_a_pattern_finds_what_trying_every_line_finds(lines: list[str], text: str, regex: bool, fold: bool) -> None:
    pattern = pattern_of(LogQuery(text=text, regex=regex, ignore_case=fold))
    plain = re.compile(text if regex else re.escape(text), re.IGNORECASE if fold else 0)
    block = "".join(f"{line}\n" for line in lines).encode()
    hits = [block[start:end].decode() for start, end in pattern.spans(block)]
    assert hits == [line for line in lines if plain.search(line)]
    assert [line for line in lines if pattern.matches(line)] == hits


def test_what_is_no_expression_is_said_in_words() -> None:
    with pytest.raises(UsageError, match="no regular expression"):
        pattern_of(LogQuery(text="a(", regex=True))


async def test_hits_of_all_services_come_in_order_of_time_with_their_numbers(tmp_path: Path) -> None:
    logs = store(tmp_path)
    for number in range(3):
        write(logs, tmp_path, API, f"noise\nhit a{number}\n")
        write(logs, tmp_path, DB, f"noise\nnoise\nhit d{number}\n", "stderr")
    chunks = await found(logs, LogQuery(text="hit"))
    assert texts(chunks) == ["hit a0", "hit d0", "hit a1", "hit d1", "hit a2", "hit d2"]
    assert [(c.service, c.stream, c.first_line) for c in chunks][:3] == [
        ("api", "stdout", 1),
        ("db", "stderr", 2),
        ("api", "stdout", 3),
    ]
    assert texts(await found(logs, LogQuery(text="hit", services=("db",)))) == ["hit d0", "hit d1", "hit d2"]
    backwards = await found(logs, LogQuery(text="hit", newest_first=True, limit=2))
    assert texts(backwards) == ["hit d2", "hit a2"]
    at = chunks[2].at
    assert texts(await found(logs, LogQuery(text="hit", since=at, until=at))) == ["hit a1"]


async def test_a_level_finds_records_whole(tmp_path: Path) -> None:
    logs = store(tmp_path)
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: bad\n'
    write(logs, tmp_path, API, f"INFO fine\nERROR it broke\n{trace}INFO fine again\nW0102 10:00:00.0 odd\n")
    assert texts(await found(logs, LogQuery(level=Level.ERROR))) == ["ERROR it broke", *trace.splitlines()]
    assert texts(await found(logs, LogQuery(level=Level.WARN)))[-1] == "W0102 10:00:00.0 odd"
    assert texts(await found(logs, LogQuery(level=Level.INFO)))[0] == "INFO fine"
    (chunk,) = await found(logs, LogQuery(text="line 1", level=Level.ERROR))
    assert chunk.lines == ('  File "x.py", line 1',)


async def test_cells_narrow_a_search_and_change_nothing(tmp_path: Path) -> None:
    logs = store(tmp_path)
    trace = "Traceback (most recent call last):\n" + '  File "x.py", line 1, in handler\n' * 200 + "ValueError: bad\n"
    for number in range(40):
        write(logs, tmp_path, API, "".join(f"{number} INFO fine {n} {'x' * (n % 97)}\n" for n in range(400)))
        write(logs, tmp_path, API, "INFO " + "y" * 40_000 + f"\n{number} WARN odd\n" if number % 7 == 3 else "")
        write(logs, tmp_path, API, f"{number} ERROR it broke\n{trace}" if number % 9 == 5 else "")
    queries = [
        LogQuery(level=level, newest_first=back) for level in (Level.WARN, Level.FATAL) for back in (False, True)
    ]
    before = [await found(logs, query) for query in queries]
    assert len(texts(before[0])) == 6 + 4 * 203
    path = tmp_path / f"{API}.stdout"
    cells = Cells(path)
    while cells.look(0, path.stat().st_size):
        pass
    assert [await found(logs, query) for query in queries] == before
    places = Cells(path).places(0, path.stat().st_size, Level.WARN)
    assert sum(end - start for start, end in places) < path.stat().st_size // 2
    cells.begin_anew()
    assert cells.places(0, 1 << 20, Level.WARN) == [(0, 1 << 20)], "what was not looked through is searched"


async def test_the_store_looks_through_what_was_written(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.start()
    try:
        write(logs, tmp_path, API, "INFO fine\n" * 100_000 + "ERROR bad\n" * 5_000)
        path = tmp_path / f"{API}.stdout"
        async with asyncio.timeout(30):
            while Cells(path).size < path.stat().st_size - CELL:
                await asyncio.sleep(0.02)
    finally:
        await logs.close()
    (place,) = Cells(path).places(0, Cells(path).size, Level.ERROR)
    assert place[0] == 1_000_000 // CELL * CELL
    assert len(texts(await found(logs, LogQuery(level=Level.ERROR)))) == 5_000


@given(st.text("abA1 é", min_size=2, max_size=6), st.integers(0, 9000), st.integers(0, 9000), st.integers(0, 9000))
def test_a_literal_is_found_where_bytes_find_it(literal: str, first: int, second: int, start: int) -> None:
    sought = literal.encode()
    data = bytearray(b"ab1\n" * 3000)
    for at in (first, second):
        data[at : at + len(sought)] = sought
    assert Block(bytes(data)).find(sought, start) == bytes(data).find(sought, start)


async def test_processes_find_what_a_thread_finds(tmp_path: Path) -> None:
    logs = store(tmp_path)
    for number in range(20):
        write(logs, tmp_path, API, "".join(f"{number} line {n} of api\n" for n in range(10_000)))
        write(logs, tmp_path, DB, "".join(f"{number} line {n} of db\n" for n in range(4_000)))
    query = LogQuery(text=r"line \d*77\b", regex=True)
    chunks = await found(logs, query)
    for chunk in chunks:
        assert chunk.lines[0].split()[2] == str(chunk.first_line % (10_000 if chunk.service == "api" else 4_000))
    assert len(chunks) == 20 * (100 + 40)
    assert [chunk.at for chunk in chunks] == sorted(chunk.at for chunk in chunks)
    backwards = await found(logs, replace(query, newest_first=True))
    assert sorted(map(repr, backwards)) == sorted(map(repr, chunks))
    assert [chunk.at for chunk in backwards] == sorted((chunk.at for chunk in chunks), reverse=True)
    assert texts(await found(logs, replace(query, limit=7))) == texts(chunks)[:7]


async def test_the_oldest_part_goes_and_every_number_stays(tmp_path: Path) -> None:
    logs = store(tmp_path, limit=1 << 20)
    path = tmp_path / f"{API}.stdout"
    for start in range(0, 60_000, 1_000):
        write(logs, tmp_path, API, "".join(f"{n} {'x' * 60}\n" for n in range(start, start + 1_000)))
    assert path.stat().st_blocks * 512 < (3 << 19), "the disk has it back"
    assert path.stat().st_size > 3 << 20
    chunks = [chunk async for chunk in logs.read((), tail=None, follow=False)]
    numbers = [int(line.split()[0]) for line in texts(chunks)]
    assert numbers == list(range(numbers[0], 60_000))
    assert chunks[0].first_line == numbers[0] > 0
    assert logs.lines(API, "stdout", 59_990, 5).lines[0].startswith("59990 ")
    assert logs.lines(API, "stdout", 0, 5).first_line == numbers[0]
    assert texts(await found(logs, LogQuery(text="59123 ")))[0].startswith("59123 ")
    again = store(tmp_path, limit=1 << 20)
    assert again.lines(API, "stdout", 59_999, 5).lines == logs.lines(API, "stdout", 59_999, 5).lines


async def test_lines_are_a_seek_away(tmp_path: Path) -> None:
    logs = store(tmp_path)
    write(logs, tmp_path, API, "".join(f"{n}\n" for n in range(200_000)) + "unfinished")
    for first in (0, 1, 77_777, 199_999):
        assert logs.lines(API, "stdout", first, 1).lines == (str(first),)
    assert logs.lines(API, "stdout", 199_999, 10).lines == ("199999", "unfinished")
    assert logs.lines(API, "stdout", 300_000, 10).lines == ()


async def test_a_service_may_have_less_kept_and_its_neighbour_does_not(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.limit({API: 1 << 20, DB: None})
    for start in range(0, 60_000, 1_000):
        for key in (API, DB):
            write(logs, tmp_path, key, "".join(f"{n} {'x' * 60}\n" for n in range(start, start + 1_000)))
    assert (tmp_path / f"{API}.stdout").stat().st_blocks * 512 < (3 << 19)
    assert (tmp_path / f"{DB}.stdout").stat().st_blocks * 512 > (3 << 20)
    assert logs.lines(DB, "stdout", 0, 1).first_line == 0
    logs.limit({API: 1 << 20, DB: 2 << 20})
    write(logs, tmp_path, DB, "one more line, and the limit holds\n")
    assert (tmp_path / f"{DB}.stdout").stat().st_blocks * 512 < (5 << 19)


@pytest.mark.parametrize("line", [line for line, level in PLAIN.items() if level is not None and level >= Level.WARN])
async def test_a_search_by_level_finds_each_format(tmp_path: Path, line: str) -> None:
    logs = store(tmp_path)
    # What a sign stands for is told by the lines around it.
    write(logs, tmp_path, API, f"{line}\nfirst\n{line}\n")
    assert texts([chunk async for chunk in logs.search(LogQuery(level=Level.WARN))]).count(line) == 2
