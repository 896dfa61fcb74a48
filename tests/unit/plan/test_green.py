"""The old one serves until the new one is ready."""

from __future__ import annotations

from dataclasses import replace

from devbox.domain.event import InstanceSeen, StepFinished
from devbox.domain.instance import Ref
from devbox.domain.spec import UnitKey
from devbox.domain.status import Health, Intent, Phase
from devbox.domain.step import Op
from devbox.plan.reconcile import reconcile
from devbox.plan.verdict import assess
from tests.unit.plan.world import World, service

API = UnitKey("api")


def serving() -> World:
    world = World()
    world.apply(service("api", probe=True, door=True))
    world.want(Intent.RUN)
    world.settle()
    return world


def plan_of(world: World) -> str:
    return str(reconcile(world.state, world.now).plan)


def finish(world: World, op: Op) -> None:
    (step,) = world.under_way.values()
    assert step.op is op
    world.finish(step)


def test_a_change_starts_the_new_one_beside_the_old_one_and_stops_that_last() -> None:
    world = serving()
    old = world.state.units[API].current
    world.apply(service("api", probe=True, door=True, version=2))
    finish(world, Op.PREPARE)
    finish(world, Op.START)
    assert len(world.live()) == 2
    assert world.state.units[API].current == old
    assert world.state.units[API].ready
    assert plan_of(world) == "nothing to do"
    new = world.state.units[API].successor
    assert new is not None
    world.health(new, Health.HEALTHY)
    finish(world, Op.SWITCH)
    assert world.state.units[API].current == new
    finish(world, Op.STOP)
    finish(world, Op.REMOVE)
    assert world.live() == [new]
    assert plan_of(world) == "nothing to do"


def test_the_whole_way_is_in_the_plan() -> None:
    world = serving()
    world.restart("api")
    words = [str(step).split()[0] for step in reconcile(world.state, world.now).plan]
    assert [step.op for step in world.under_way.values()] == [Op.START]
    assert words == []
    world.new_supervisor()
    world.apply(service("api", probe=True, door=True, version=2))
    world.settle()


def test_a_new_one_that_ends_leaves_the_old_one_serving_and_says_why() -> None:
    world = serving()
    old = world.state.units[API].current
    world.apply(service("api", probe=True, door=True, version=2))
    finish(world, Op.PREPARE)
    finish(world, Op.START)
    new = world.state.units[API].successor
    assert new is not None
    world.end(new, 1)
    known = world.state.units[API]
    assert known.current == old
    assert known.ready
    assert known.rejected is not None
    assert known.rejected.why == "the new one exited with 1"
    world.settle()
    assert world.live() == [old]
    outcome = assess(world.state, {}, ["api"], ready=True, now=world.now + 10)
    assert [s.reason for s in outcome.shortfalls] == ["the old one serves: the new one exited with 1"]


def test_the_next_save_tries_again() -> None:
    world = serving()
    world.restart("api")
    finish(world, Op.START)
    new = world.state.units[API].successor
    assert new is not None
    world.end(new, 1)
    world.settle()
    world.restart("api")
    world.settle()
    assert world.state.units[API].rejected is None
    assert world.live()[0].started_at >= new.started_at
    assert len(world.live()) == 1


def test_a_save_while_the_new_one_starts_replaces_that_one() -> None:
    world = serving()
    old = world.state.units[API].current
    world.restart("api")
    finish(world, Op.START)
    first = world.state.units[API].successor
    world.restart("api")
    finish(world, Op.STOP)
    assert world.state.units[API].current == old
    world.settle()
    assert len(world.live()) == 1
    assert world.live()[0] not in (old, first)


def test_an_unhealthy_new_one_goes_again() -> None:
    world = serving()
    old = world.state.units[API].current
    world.restart("api")
    finish(world, Op.START)
    new = world.state.units[API].successor
    assert new is not None
    world.health(new, Health.UNHEALTHY)
    finish(world, Op.STOP)
    finish(world, Op.REMOVE)
    assert world.live() == [old]
    assert plan_of(world) == "nothing to do"


def test_a_new_one_that_cannot_be_prepared_leaves_the_old_one() -> None:
    world = serving()
    old = world.state.units[API].current
    world.apply(service("api", probe=True, door=True, version=2))
    (step,) = world.under_way.values()
    world.fail(step)
    assert world.live() == [old]
    assert world.state.units[API].rejected is not None
    assert plan_of(world) == "nothing to do"
    world.apply(service("api", probe=True, door=True, version=3))
    world.settle()
    assert len(world.live()) == 1
    assert world.state.units[API].rejected is None


def test_when_the_old_one_ends_the_new_one_counts() -> None:
    world = serving()
    old = world.state.units[API].current
    assert old is not None
    world.restart("api")
    finish(world, Op.START)
    world.end(old, 1)
    known = world.state.units[API]
    assert known.beside is None
    assert known.phase is Phase.RUNNING
    assert known.health is Health.STARTING


def test_a_new_supervisor_finds_two_and_goes_on_to_one() -> None:
    world = serving()
    world.restart("api")
    finish(world, Op.START)
    old, new = sorted(world.live(), key=lambda instance: instance.pid or 0)
    world.new_supervisor()
    world.apply(service("api", probe=True, door=True))
    assert world.state.units[API].current == old or world.state.units[API].successor == new
    world.settle()
    assert len(world.live()) == 1


def test_what_is_not_ready_is_replaced_at_once() -> None:
    world = serving()
    old = world.state.units[API].current
    assert old is not None
    world.health(old, Health.UNHEALTHY)
    world.restart("api")
    finish(world, Op.STOP)
    assert not world.live()


def test_one_on_demand_sleeps_until_somebody_comes_and_again_when_nobody_does() -> None:
    world = World()
    world.apply(service("api", on_demand=True))
    world.want(Intent.RUN)
    decision = world.settle()
    assert not world.live()
    assert decision.holds[API].why == "wakes at the first connection to 127.0.0.1:8080"
    assert not assess(world.state, decision.holds, ["api"], ready=True, now=world.now + 10).pending
    world.knock("api")
    world.settle()
    (first,) = world.live()
    world.sleep("api")
    assert world.state.units[API].paused
    world.knock("api")
    world.settle()
    assert world.state.units[API].ready
    assert [i.ref for i in world.live()] == [first.ref]


def test_the_vendor_may_tell_of_the_new_one_before_its_start_is_done() -> None:
    world = serving()
    old = world.state.units[API].current
    assert old is not None
    world.restart("api")
    (step,) = world.under_way.values()
    new = replace(old, ref=Ref("fake", "api-1.2"), started_at=old.started_at + 1, private=((8080, 2),))
    world.tell(InstanceSeen(new))
    assert world.state.units[API].current == old
    world.instances[new.ref] = new
    world.under_way.pop(step.id)
    world.tell(StepFinished(step.id, Op.START, API, new))
    assert world.state.units[API].current == old
    assert world.state.units[API].successor == new
