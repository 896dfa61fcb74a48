"""Followers of logs that come and go at any moment, while services write and a supervisor ends."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from pathlib import Path

import pytest

from devbox.domain.log import LogQuery
from devbox.domain.spec import UnitKey
from devbox.engine.logs import LogStore
from tests.unit.engine.test_logs import store, watches

KEYS = [UnitKey(name, replica) for name in ("api", "db", "web") for replica in (1, 2)]
Seen = dict[tuple[str, int], list[str]]


async def _writes(folder: Path, key: UnitKey, stop: asyncio.Event, dice: random.Random) -> int:
    """Write numbered lines in pieces of any size until told to stop; how many."""
    count = 0
    with (folder / f"{key}.stdout").open("ab", buffering=0) as file:
        while not stop.is_set():
            many = dice.choice((1, 1, 3, 200))
            data = b"".join(b"%d\n" % number for number in range(count, count + many))
            count += many
            cut = dice.randrange(len(data))
            file.write(data[:cut])
            await asyncio.sleep(dice.choice((0, 0, 0.001, 0.06)))
            file.write(data[cut:])
    return count


async def _follows(logs: LogStore, *, search: bool) -> Seen:
    seen: Seen = {}
    chunks = logs.search(LogQuery(), follow=True) if search else logs.read((), tail=None, follow=True)
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            lines = seen.setdefault((chunk.service, chunk.replica), [])
            assert chunk.first_line == len(lines)
            lines.extend(chunk.lines)
            await asyncio.sleep(0)
    return seen


@pytest.mark.parametrize("seed", range(12))
async def test_who_follows_to_the_end_gets_all_of_it_and_nothing_is_left(tmp_path: Path, seed: int) -> None:
    dice, before = random.Random(seed), watches()
    logs, stop = store(tmp_path), asyncio.Event()
    if dice.random() < 0.5:
        logs.know(KEYS)
    logs.start()
    writers = [asyncio.create_task(_writes(tmp_path, key, stop, dice)) for key in KEYS]
    patient, hasty = [], []
    for _ in range(dice.randrange(5, 15)):
        follower = asyncio.create_task(_follows(logs, search=dice.random() < 0.4))
        (patient if dice.random() < 0.5 else hasty).append(follower)
        await asyncio.sleep(dice.choice((0, 0.002, 0.05)))
        logs.know(KEYS[: dice.randrange(len(KEYS))])
        if hasty and dice.random() < 0.4:
            dice.choice(hasty).cancel()
        assert all(isinstance(int(line), int) for line in logs.tail(KEYS[0], 5) if line.isdigit())
    stop.set()
    written = await asyncio.gather(*writers)
    logs.know(KEYS)
    logs.finish()
    async with asyncio.timeout(30):
        found = await asyncio.gather(*patient, *hasty, return_exceptions=True)
        late = await _follows(logs, search=False)
    await logs.close()
    expected = {(key.service, key.replica): [*map(str, range(count))] for key, count in zip(KEYS, written, strict=True)}
    for seen in (*found, late):
        assert seen == {key: lines for key, lines in expected.items() if lines} or isinstance(
            seen, asyncio.CancelledError
        )
    assert all(isinstance(seen, dict) for seen in found[: len(patient)])
    assert watches() == before
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_store_that_has_finished_rests_until_it_is_closed(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.know(KEYS)
    logs.start()
    (tmp_path / f"{KEYS[0]}.stdout").write_text("a line\n" * 100_000)
    assert len((await _follow_once(logs)).splitlines()) == 100_000
    logs.finish()
    await asyncio.sleep(1.0)
    used = time.process_time()
    await asyncio.sleep(1.0)
    assert time.process_time() - used < 0.3
    await logs.close()


async def _follow_once(logs: LogStore) -> str:
    text = ""
    async for chunk in logs.read((), tail=None, follow=False):
        text += "\n".join(chunk.lines) + "\n"
    return text


async def test_history_ends_where_it_ended_when_it_was_asked_for(tmp_path: Path) -> None:
    logs, path = store(tmp_path), tmp_path / f"{KEYS[0]}.stdout"
    logs.know(KEYS)
    path.write_text("before\n" * 500_000)
    count = 0
    async for chunk in logs.read((), tail=None, follow=False):
        count += len(chunk.lines)
        # A service that prints faster than anybody reads.
        with path.open("a") as file:
            file.write("meanwhile\n" * 200_000)
        logs.mark(KEYS[0])
        assert set(chunk.lines) == {"before"}
    assert count == 500_000


def test_a_line_that_is_waited_for_is_found_in_pieces_and_what_was_seen_is_not_read_again(tmp_path: Path) -> None:
    logs, path, pattern = store(tmp_path), tmp_path / f"{KEYS[0]}.stdout", re.compile("OVERDONE|ready to serve")
    path.write_text("starting\nready to")
    assert logs.find(KEYS[0], pattern, 0.0) is None
    with path.open("r+") as file:
        # Nobody looks at it a second time.
        file.write("OVERDONE")
        file.seek(0, 2)
        file.write(" serve\nmore\n")
    assert logs.find(KEYS[0], pattern, 0.0) == "ready to serve"
    path.write_text("short\n")
    assert logs.find(KEYS[0], pattern, time.time()) is None, "in its next life, with its log emptied"
    with path.open("a") as file:
        file.write("ready to serve again\n")
    assert logs.find(KEYS[0], pattern, 1.0) == "ready to serve again"
