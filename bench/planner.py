"""The pure core at 300 services: one full look, and ten thousand events."""

from __future__ import annotations

from bench.figures import Figure, median_of
from devbox.domain.event import Event, HealthChanged, InstanceSeen, IntentChanged, SpecApplied
from devbox.domain.instance import Observed, Ref
from devbox.domain.spec import Need, Origin, Probe, ProcessRun, ServiceSpec, TcpCheck, Template, Unit, UnitKey
from devbox.domain.status import Health, Intent
from devbox.engine.reduce import reduce
from devbox.plan.fingerprint import fingerprint
from devbox.plan.reconcile import reconcile
from devbox.plan.state import State

SERVICES = 300
EVENTS = 10_000


def _mesh() -> tuple[Unit, ...]:
    """Three hundred services; each needs up to three of those before it."""
    units = []
    for number in range(SERVICES):
        needs = tuple(Need(f"s{on}") for on in {number // 2, number // 3, number - 1} if 0 <= on < number)
        spec = ServiceSpec(
            name=f"s{number}",
            run=ProcessRun(argv=(Template.of("serve"),), working_dir="/"),
            origin=Origin("devbox.yaml", number, 1),
            needs=needs,
            probe=Probe(TcpCheck()),
        )
        units.append(Unit(UnitKey(spec.name), spec, fingerprint(spec)))
    return tuple(units)


def _wanted(units: tuple[Unit, ...]) -> State:
    state = reduce(State(), Event(1, 0.0, "", 0, SpecApplied((), (), units)))
    return reduce(state, Event(2, 0.0, "", 1, IntentChanged(Intent.RUN, (), "bench")))


def _running(state: State, units: tuple[Unit, ...]) -> State:
    for unit in units:
        seen = Observed(Ref("process", str(unit.key)), unit.key, unit.fingerprint, True, 1.0, pid=1)
        state = reduce(state, Event(state.seq + 1, 1.0, "", 0, InstanceSeen(seen)))
    return state


def _many_events(state: State, units: tuple[Unit, ...]) -> State:
    for number in range(EVENTS):
        key = units[number % SERVICES].key
        health = (Health.HEALTHY, Health.UNHEALTHY)[number // SERVICES % 2]
        body = HealthChanged(Ref("process", str(key)), key, health, "said so")
        state = reduce(state, Event(state.seq + 1, 2.0, key.service, 0, body))
    return state


def measure() -> list[Figure]:
    """A reconcile of a mesh that is all to be started, one of a mesh that runs, and a flood of events."""
    units = _mesh()
    cold = _wanted(units)
    warm = _many_events(_running(cold, units), units)
    return [
        Figure("reconcile 300 services, all to start", 1000 * median_of(lambda: reconcile(cold, 0.0), 20), "ms", 20),
        Figure("reconcile 300 services, all running", 1000 * median_of(lambda: reconcile(warm, 3.0), 20), "ms", 20),
        Figure("reduce 10,000 events over 300 services", median_of(lambda: _many_events(warm, units), 3), "s", 1),
    ]
