"""Plans as text, for the situations that people are in."""

from __future__ import annotations

from itertools import pairwise

from devbox.domain.event import Event, IntentChanged, RuntimeReachable, RuntimeUnreachable, SpecApplied
from devbox.domain.instance import Outage
from devbox.domain.spec import Need, RestartPolicy, Until
from devbox.domain.status import Health, Intent, Phase
from devbox.engine.reduce import reduce
from devbox.plan.reconcile import reconcile
from devbox.plan.verdict import assess
from tests.unit.plan.world import World, service, units_of

CHAIN = (
    service("db", probe=True),
    service("migrate", Need("db")),
    service("api", Need("migrate", Until.COMPLETED), probe=True),
)


def plan_of(world: World) -> str:
    return str(reconcile(world.state, world.now).plan)


def settled() -> World:
    world = World()
    world.apply(*CHAIN)
    world.want(Intent.RUN)
    world.settle()
    job = next(i for i in world.live() if i.key.service == "migrate")
    world.end(job, 0)
    world.settle()
    return world


def test_a_settled_mesh_needs_nothing() -> None:
    assert plan_of(settled()) == "nothing to do"


def test_what_waits_is_prepared_meanwhile_and_says_for_what_it_waits() -> None:
    world = World()
    world.apply(*CHAIN)
    world.want(Intent.RUN)
    for step in list(world.under_way.values()):
        world.finish(step)
    assert plan_of(world) == (
        "start   migrate  (a test)  waits: waits for db to be healthy\n"
        "start   api  (a test)  waits: waits for migrate to complete"
    )


def test_a_change_prepares_first_and_only_then_stops_the_old_one() -> None:
    world = settled()
    changed = service("api", Need("migrate", Until.COMPLETED), probe=True, version=2)
    body = SpecApplied((), ("api",), units_of(CHAIN[0], CHAIN[1], changed))
    state = reduce(world.state, Event(world.state.seq + 1, world.now, "", 0, body))
    assert str(reconcile(state, world.now).plan) == (
        "prepare api  (its command changed)\n"
        "stop    api  (its command changed)\n"
        "remove  api  (its command changed)\n"
        "start   api  (its command changed)"
    )


def test_down_waits_for_dependents_to_stop_first() -> None:
    world = settled()
    body = IntentChanged(Intent.REMOVE, (), "devbox down")
    state = reduce(world.state, Event(world.state.seq + 1, world.now, "", 0, body))
    lines = str(reconcile(state, world.now).plan).splitlines()
    assert lines[0] == "stop    db  (devbox down)"
    assert "stop    api  (devbox down)" in lines


def test_a_failed_job_holds_with_its_reason_and_the_verdict_names_both() -> None:
    world = World()
    world.apply(*CHAIN)
    world.want(Intent.RUN)
    world.settle()
    world.end(next(i for i in world.live() if i.key.service == "migrate"), 3)
    decision = world.settle()
    holds = {key.service: hold.why for key, hold in decision.holds.items()}
    assert holds == {"migrate": "exited with 3", "api": "waits for migrate to complete: exited with 3"}
    outcome = assess(world.state, decision.holds, {"api", "migrate", "db"}, ready=True, now=world.now)
    assert [(s.service, s.reason) for s in outcome.shortfalls] == [
        ("migrate", "exited with 3"),
        ("api", "waits for migrate to complete: exited with 3"),
    ]


def test_the_first_restart_is_immediate_and_the_pauses_grow_to_a_bound() -> None:
    world = World()
    world.apply(service("a", policy=RestartPolicy.ALWAYS))
    world.want(Intent.RUN)
    pauses = []
    for _ in range(12):
        while not world.live():
            if world.under_way:
                world.finish(next(iter(world.under_way.values())))
                continue
            unit = next(iter(world.state))
            pauses.append((unit.retry_at or world.now) - world.now)
            world.now = (unit.retry_at or world.now) + 0.001
            world.plan()
        world.end(world.live()[0], 1)
    assert all(later >= earlier * 0.79 for earlier, later in pairwise(pauses))
    assert max(pauses) <= 30
    assert next(iter(world.state)).restarts == 11


def test_ten_seconds_of_life_make_it_start_over() -> None:
    world = World()
    world.apply(service("a", policy=RestartPolicy.ALWAYS))
    world.want(Intent.RUN)
    world.settle()
    for _ in range(3):
        world.end(world.live()[0], 1)
        world.settle()
    world.now += 11
    world.end(world.live()[0], 1)
    assert next(iter(world.state)).attempts == 1
    world.settle()
    assert next(iter(world.state)).phase is Phase.RUNNING


def test_a_restart_takes_followers_that_asked_for_it() -> None:
    world = World()
    world.apply(service("db"), service("api", Need("db", Until.STARTED, restart=True)), service("web", Need("db")))
    world.want(Intent.RUN)
    world.settle()
    before = {instance.key.service: instance.ref for instance in world.live()}
    world.restart("db")
    world.settle()
    after = {instance.key.service: instance.ref for instance in world.live()}
    assert {name for name in before if before[name] != after[name]} == {"db", "api"}


def test_a_dependency_that_becomes_unhealthy_stops_nobody_who_runs() -> None:
    world = settled()
    db = next(i for i in world.live() if i.key.service == "db")
    world.health(db, Health.UNHEALTHY)
    assert {i.key.service for i in world.live()} == {"db", "api"}
    assert plan_of(world) == "nothing to do"


def test_nothing_is_tried_while_a_runtime_is_out_of_reach_and_all_of_it_afterwards() -> None:
    world = settled()
    world.end(next(i for i in world.live() if i.key.service == "api"), 1)
    world.tell(RuntimeUnreachable(Outage("process", "unix:///there", "nobody answers at unix:///there")))
    world.want(Intent.RUN)
    held = reconcile(world.state, world.now)
    assert str(held.plan) == "nothing to do"
    assert [(hold.service, hold.waits_for, hold.why) for hold in held.holds.values()] == [
        ("api", "process", "nobody answers at unix:///there")
    ]
    world.tell(RuntimeReachable("process"))
    world.settle()
    assert {instance.key.service for instance in world.live()} == {"db", "api"}
