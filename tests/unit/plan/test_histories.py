"""Whatever happens in whatever order, the mesh stays in states that can be, and comes to rest where it should."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devbox.domain.spec import Need, Reload, RestartPolicy, ServiceSpec, Until
from devbox.domain.status import Health, Intent, Phase
from devbox.domain.step import Op
from devbox.plan.reconcile import reconcile
from tests.unit.plan.world import World, service

NAMES = "abcde"

Choice = tuple[int, int]
choices = st.tuples(st.integers(0, 17), st.integers(0, 255))


# Left alone, hypothesis draws short lists, in which little can have begun.
histories = st.lists(choices, max_size=40) | st.lists(choices, min_size=25, max_size=60)


@st.composite
def meshes(draw: st.DrawFn) -> tuple[ServiceSpec, ...]:
    """Up to five services; each may need ones before it."""
    services = []
    for index, name in enumerate(NAMES[: draw(st.integers(1, 5))]):
        on = draw(st.sets(st.sampled_from(NAMES[:index]), max_size=2)) if index else set()
        needs = [Need(other, draw(st.sampled_from(Until)), restart=draw(st.booleans())) for other in sorted(on)]
        policy = draw(st.sampled_from(RestartPolicy))
        replicas = draw(st.integers(1, 2))
        door, on_demand = draw(st.booleans()), draw(st.sampled_from((False, False, False, True)))
        services.append(
            service(
                name,
                *needs,
                probe=draw(st.booleans()),
                policy=policy,
                replicas=replicas,
                door=door,
                on_demand=on_demand,
            )
        )
    return tuple(services)


def happen(world: World, mesh: tuple[ServiceSpec, ...], choice: Choice) -> None:
    """One thing that can happen now, picked by `choice`."""
    kind, pick = choice
    steps, live = list(world.under_way.values()), world.live()
    name = mesh[pick % len(mesh)].name
    match kind:
        case 0 | 1 | 2 | 3 if steps:
            world.finish(steps[pick % len(steps)])
        case 4 if steps:
            world.fail(steps[pick % len(steps)])
        case 5 if steps and steps[pick % len(steps)].id in reconcile(world.state, world.now).cancel:
            world.cancel(steps[pick % len(steps)])
        case 6 if live:
            world.end(live[pick % len(live)], exit_code=pick % 2)
        case 7 if live:
            world.health(live[pick % len(live)], (Health.HEALTHY, Health.UNHEALTHY)[pick % 2])
        case 8 if live:
            world.vanish(live[pick % len(live)])
        case 9:
            world.want((Intent.RUN, Intent.STOP, Intent.REMOVE)[pick % 3], name)
        case 10:
            world.want(Intent.RUN)
        case 11:
            world.restart(name)
        case 12:
            world.now += pick / 8
            world.plan()
        case 13:
            version = pick % 3
            world.apply(*(_changed(s, version, door=pick % 5 != 0) for s in mesh))
        case 14:
            kept = [s for s in mesh if s.name != name]
            world.apply(*kept, *(s for s in mesh if pick % 2 and s.name == name))
        case 15:
            (world.knock if pick % 2 else world.sleep)(name)
        case 16:
            world.restart(name)
        case 17 if pick < 32:
            world.new_supervisor()
            world.apply(*mesh)


def _changed(spec: ServiceSpec, version: int, *, door: bool) -> ServiceSpec:
    green = spec.reload is Reload.GREEN and door
    probe, on_demand = spec.probe is not None, spec.on_demand is not None
    return service(spec.name, *spec.needs, version=version, probe=probe, door=green, on_demand=on_demand)


def every_unit_moves_or_says_why(world: World) -> None:
    decision = reconcile(world.state, world.now)
    moving = {step.key for step in decision.plan.ready()}
    for unit in world.state:
        at_rest = unit.phase in (Phase.RUNNING, Phase.COMPLETED)
        if unit.wanted and unit.unit is not None and not at_rest and unit.step is None and unit.key not in moving:
            hold = decision.holds.get(unit.key)
            assert hold is not None, f"{unit.key} is {unit.phase} and does not say why"
            assert hold.why
            assert hold.waits_for


def never_two_at_once(world: World) -> None:
    """But for those behind a door, of which there may be an old one and a new one."""
    keys = [instance.key for instance in world.live()]
    assert not [i for i in world.live() if keys.count(i.key) > (2 if i.private else 1)]


@pytest.mark.timeout(600)
@settings(max_examples=4_000, deadline=None)
@given(meshes(), histories)
# The new one is unwell; while it is stopped, which fails, both end.
@example(
    (service("a", probe=True, door=True),),
    [(0, 0), (0, 0), (7, 0), (11, 0), (0, 0), (7, 1), (6, 0), (6, 0), (4, 0)],
)
def test_any_history_is_legal_and_converges(mesh: tuple[ServiceSpec, ...], history: list[Choice]) -> None:
    world = World()
    world.apply(*mesh)
    world.want(Intent.RUN)
    for choice in history:
        happen(world, mesh, choice)
        every_unit_moves_or_says_why(world)
        never_two_at_once(world)
    world.apply(*mesh)
    world.want(Intent.RUN)
    decision = world.settle()
    blocked = [step for step in decision.plan if step.hold is None]
    assert not blocked, f"at rest, but the plan is not empty:\n{decision.plan}"
    keys = [instance.key for instance in world.live()]
    assert len(set(keys)) == len(keys), "at rest, but two of one run"
    for unit in world.state:
        if unit.phase not in (Phase.RUNNING, Phase.COMPLETED):
            assert unit.key in decision.holds


# What can happen to services that go green, most of it good: without that nothing gets as far as a switch.
GREEN_KINDS = (0, 0, 0, 0, 0, 0, 4, 6, 7, 7, 7, 8, 9, 10, 11, 11, 13, 14, 15, 17)
green_choices = st.tuples(st.sampled_from(GREEN_KINDS), st.integers(0, 63))


@pytest.mark.timeout(600)
@settings(max_examples=1_500, deadline=None)
@given(st.integers(1, 2), st.lists(green_choices, min_size=10, max_size=60))
def test_any_history_of_services_that_go_green(replicas: int, history: list[Choice]) -> None:
    mesh = (
        service("a", probe=True, door=True, replicas=replicas),
        service("b", Need("a"), probe=True, door=True, policy=RestartPolicy.ALWAYS),
    )
    world = World()
    world.apply(*mesh)
    world.want(Intent.RUN)
    world.settle()
    for choice in history:
        happen(world, mesh, choice)
        every_unit_moves_or_says_why(world)
        never_two_at_once(world)
    world.apply(*mesh)
    world.want(Intent.RUN)
    world.settle()
    assert len({i.key for i in world.live()}) == len(world.live())


@settings(max_examples=500, deadline=None)
@given(meshes())
def test_a_mesh_starts_in_order_and_a_second_look_finds_nothing_to_do(mesh: tuple[ServiceSpec, ...]) -> None:
    world = World()
    world.apply(*mesh)
    world.want(Intent.RUN)
    world.settle()
    jobs = {need.service for s in mesh for need in s.needs if need.until is Until.COMPLETED}
    for instance in world.live():
        if instance.key.service in jobs and world.instances[instance.ref].alive:
            world.end(instance, exit_code=0)
            world.settle()
    again = reconcile(world.state, world.now)
    assert all(step.hold for step in again.plan), str(again.plan)


@settings(max_examples=500, deadline=None)
@given(meshes())
def test_down_leaves_nothing_and_stops_dependents_first(mesh: tuple[ServiceSpec, ...]) -> None:
    world = World()
    world.apply(*mesh)
    world.want(Intent.RUN)
    world.settle()
    world.want(Intent.REMOVE)
    world.settle()
    assert not world.instances
    assert not reconcile(world.state, world.now).plan
    order = [event.body.step.key.service for event in world.log if _is_stop(event)]
    for service_spec in mesh:
        for need in service_spec.needs:
            if service_spec.name in order and need.service in order:
                last_dependent = len(order) - 1 - order[::-1].index(service_spec.name)
                assert last_dependent < order.index(need.service)


def _is_stop(event: object) -> bool:
    step = getattr(getattr(event, "body", None), "step", None)
    return getattr(step, "op", None) is Op.STOP
