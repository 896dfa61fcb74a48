"""The engine's loop on the fake runtime: facts in, steps out, everything in the journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from devbox.control.local import LocalControl, Subscription
from devbox.control.protocol import Action, Changed, Command, Goal, Snapshot
from devbox.domain.errors import NotRunning
from devbox.domain.event import Event, InstanceSeen, service_of
from devbox.domain.spec import AppSpec, EnvVar, Need, Port, RestartPolicy, ServiceSpec, Template, UnitKey, Until
from devbox.domain.status import Failure, FailureKind
from devbox.domain.step import Op
from devbox.engine.journal import Journal
from devbox.engine.logs import LogStore
from devbox.engine.loop import Engine
from devbox.engine.ports import COUNT, FIRST, PortBook
from devbox.runtimes.fake import FakeRuntime, Script
from tests.unit.domain.test_codec import SEEN
from tests.unit.plan.world import service


class Bench:
    """An engine on a fake runtime."""

    def __init__(self, folder: Path, runtime: FakeRuntime) -> None:
        self.runtime = runtime
        self.stopped: list[str] = []
        self.engine = Engine(
            {"process": runtime},
            {},
            Journal(folder / "journal.jsonl"),
            LogStore(folder / "logs", runtime.logs),
            PortBook("p", folder / "ports.json", lambda *_: True),
            folder / "seeds.json",
        )
        self.control = LocalControl(self.engine, "p", 1, lambda by, _: self.stopped.append(by))

    async def up(self, *services: ServiceSpec, goal: Goal = Goal.STARTED) -> list[str]:
        app = AppSpec("p", "/", ("devbox.yaml",), services)
        verdict = await self.control.up(app, Command(Action.UP, by="a test", goal=goal, timeout=30))
        return [f"{unmet.service}: {unmet.reason}" for unmet in verdict.unmet]


@asynccontextmanager
async def bench(folder: Path, runtime: FakeRuntime | None = None) -> AsyncIterator[Bench]:
    it = Bench(folder, runtime or FakeRuntime(folder / "logs"))
    running = asyncio.create_task(it.engine.run())
    try:
        yield it
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_up_starts_in_order_and_down_takes_away(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        assert await it.up(service("db"), service("api", Need("db", Until.STARTED))) == []
        order = [instance.key.service for instance in it.runtime.instances.values()]
        assert order == ["db", "api"]
        await it.control.command(Command(Action.DOWN, by="a test"))
        assert not it.runtime.instances
        assert it.stopped == ["a test"]


async def test_an_up_that_a_down_overtakes_starts_nothing(tmp_path: Path) -> None:
    it = Bench(tmp_path, FakeRuntime(tmp_path / "logs"))
    overtaken = asyncio.create_task(it.up(service("api")))
    await asyncio.sleep(0)
    leaving = asyncio.create_task(it.control.command(Command(Action.DOWN, by="a test")))
    await asyncio.sleep(0)
    running = asyncio.create_task(it.engine.run())
    with pytest.raises(NotRunning, match="p is going down"):
        await overtaken
    assert (await leaving).ok
    await it.engine.caught_up()
    assert not it.runtime.instances
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_step_that_fails_is_the_verdict(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        failure = Failure(FailureKind.ENGINE, "no space left on device")
        it.runtime.scripts["db"] = Script(fails={Op.START: failure})
        assert await it.up(service("db"), service("api", Need("db"))) == [
            "db: no space left on device",
            "api: waits for db to be healthy: no space left on device",
        ]


async def test_what_the_runtime_cannot_explain_is_said_to_be_our_fault(tmp_path: Path) -> None:
    class Broken(FakeRuntime):
        async def apply(self, *args: object) -> None:  # type: ignore[override]
            raise ZeroDivisionError("oops")

    async with bench(tmp_path, Broken(tmp_path / "logs")) as it:
        (unmet,) = await it.up(service("db"))
        assert "devbox itself failed: ZeroDivisionError('oops')" in unmet


async def test_an_end_is_journalled_with_its_cause_and_restarted(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        await it.up(service("api", policy=RestartPolicy.ALWAYS))
        (ref,) = it.runtime.instances
        it.runtime.end(ref, 3)
        while ref in it.runtime.instances:
            await asyncio.sleep(0.01)
        why = await it.control.why("api")
        said = [event.describe() for event in why.chain]
        assert said[:2] == ["starting: again, for it exited with 3", "exited with 3"] or said[1:3] == [
            "starting: again, for it exited with 3",
            "exited with 3",
        ]


async def test_an_instance_that_disappears_is_started_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        await it.up(service("api"))
        (ref,) = it.runtime.instances
        it.runtime.lose(ref)
        while not [r for r in it.runtime.instances if r != ref]:
            await asyncio.sleep(0.01)


async def test_a_missed_change_is_found_by_looking_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        await it.up(service("api"))
        it.runtime.instances.clear()
        await it.engine.look_again()
        while not it.runtime.instances:
            await asyncio.sleep(0.01)


async def test_a_new_supervisor_takes_over_what_runs(tmp_path: Path) -> None:
    runtime = FakeRuntime(tmp_path / "logs")
    async with bench(tmp_path, runtime) as it:
        await it.up(service("api"), service("job"))
        seq = it.engine.state.seq
    before = dict(runtime.instances)
    async with bench(tmp_path, runtime) as it:
        await it.up(service("api"), service("job"))
        assert runtime.instances == before
        assert it.engine.state.seq > seq, "the journal goes on"


async def test_a_down_that_is_quicker_than_a_new_supervisor_takes_away_what_ran_before(tmp_path: Path) -> None:
    runtime = FakeRuntime(tmp_path / "logs")
    async with bench(tmp_path, runtime) as it:
        await it.up(service("api"))
    it = Bench(tmp_path, runtime)
    leaving = asyncio.create_task(it.control.command(Command(Action.DOWN, by="a test")))
    await asyncio.sleep(0)
    running = asyncio.create_task(it.engine.run())
    assert (await leaving).ok
    assert not runtime.instances
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_300_services_with_dependencies_come_up(tmp_path: Path) -> None:
    services = [service("s0")]
    for number in range(1, 300):
        services.append(service(f"s{number}", Need(f"s{number // 2}", Until.STARTED)))
    async with bench(tmp_path) as it:
        assert await it.up(*services) == []
        assert len(it.runtime.instances) == 300


async def test_a_subscriber_that_lags_starts_over_from_a_snapshot() -> None:
    snapshots = []

    def snapshot() -> Snapshot:
        snapshots.append(1)
        return Snapshot(len(snapshots), "p", (), 1, ())

    subscription = Subscription(snapshot)
    for seq in range(1500):
        subscription.offer(Changed(seq, (), ()))
    frames = subscription.frames()
    kinds = [type(await anext(frames)).__name__ for _ in range(1001)]
    assert kinds == ["Changed"] * 1000 + ["Snapshot"]


async def test_picked_ports_stay_and_move_on_only_when_taken(tmp_path: Path) -> None:
    free = {"all": True}
    book = PortBook("p", tmp_path / "ports.json", lambda *_: free["all"])
    first = book.publish(UnitKey("api"), Port(8000), in_use=False)
    book.save()
    assert FIRST <= first < FIRST + COUNT
    assert book.publish(UnitKey("api", 2), Port(8000), in_use=False) != first
    again = PortBook("p", tmp_path / "ports.json", lambda _, port, __: port != first)
    assert again.publish(UnitKey("api"), Port(8000), in_use=True) == first
    assert again.publish(UnitKey("api"), Port(8000), in_use=False) != first
    assert book.publish(UnitKey("api"), Port(80, 8080), in_use=False) == 8080


async def test_the_journal_outlives_a_torn_line_and_holds_no_secret(tmp_path: Path) -> None:
    secret = replace(service("api"), env=(EnvVar("TOKEN", Template.of("hunter2"), secret=True),))
    async with bench(tmp_path) as it:
        await it.up(secret)
        last = it.engine.state.seq
    text = (tmp_path / "journal.jsonl").read_text()
    assert "hunter2" not in text
    assert [json.loads(line)["seq"] for line in text.splitlines()] == list(range(1, last + 1))
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"seq": 99, "torn')
    journal = Journal(tmp_path / "journal.jsonl")
    journal.close()
    assert journal.last_seq == last


def test_instance_events_are_about_their_service() -> None:
    assert service_of(InstanceSeen(SEEN)) == "api"
    assert Event(1, 0.0, "api", 0, InstanceSeen(SEEN)).describe() == "found running (pid 7)"
