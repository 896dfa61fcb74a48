"""The one place that decides what is to be done: from the state of the mesh to a plan and the holds.

The plan holds every step on the way to what is wanted, in an order that works: a step waits for the steps named in its
`after`, and one with a `hold` waits for something outside the plan and says what. Calling it again after each event
is cheap, and on a converged state it returns nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from devbox.domain.instance import Observed
from devbox.domain.spec import Need, UnitKey
from devbox.domain.status import Health, Hold, Intent, Phase
from devbox.domain.step import Op, Plan, Step
from devbox.plan.state import State, UnitState

MESH_EVENT = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now. `holds` says for each replica that does not move what it waits for.

    `cancel` names steps under way that are no longer wanted.
    """

    plan: Plan
    holds: Mapping[UnitKey, Hold]
    cancel: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Gate:
    """The dependencies of one replica: what still holds it, and the latest one that let it go."""

    hold: Hold | None
    cause: str = ""
    event: int = MESH_EVENT


def reconcile(state: State, now: float) -> Decision:
    """What is to be done at time `now` (seconds since the epoch) to bring the mesh to what is wanted."""
    view = _View(state, now)
    steps: list[Step] = []
    holds: dict[UnitKey, Hold] = {}
    cancel: list[str] = []
    for unit in state:
        if unit.step is not None:
            if not unit.wanted and unit.step.op is Op.PREPARE:
                cancel.append(unit.step.id)
            continue
        mine, hold = view.decide(unit)
        if mine and (outage := state.outage_of(unit)) is not None:
            mine, hold = [], Hold(unit.key.service, outage.runtime, outage.message)
        steps += _one_by_one(mine)
        hold = hold or next((step.hold for step in mine if step.hold), None)
        if hold is not None:
            holds[unit.key] = hold
    return Decision(Plan(tuple(steps)), holds, tuple(cancel))


def next_deadline(state: State, now: float) -> float | None:
    """The next time after `now` at which `reconcile` may decide otherwise though nothing happened."""
    times = [u.retry_at for u in state if u.retry_at is not None and u.wanted and u.retry_at > now]
    return min(times, default=None)


class _View:
    """The state, indexed for one run of the planner."""

    def __init__(self, state: State, now: float) -> None:
        self.now = now
        self.services: dict[str, list[UnitState]] = {}
        self.dependents: dict[str, list[UnitState]] = {}
        for unit in state:
            self.services.setdefault(unit.key.service, []).append(unit)
            for need in unit.needs:
                self.dependents.setdefault(need.service, []).append(unit)

    def decide(self, unit: UnitState) -> tuple[list[Step], Hold | None]:
        if not unit.wanted:
            return self._take_down(unit), None
        if unit.unit is None:
            return [], None
        if _waits(unit, self.now):
            return [], _backoff_hold(unit)
        if unit.asleep:
            return self._discard_stale(unit), _sleeping_hold(unit)
        if unit.live:
            return self._replace(unit), None
        if unit.phase is Phase.COMPLETED:
            return [], None
        if unit.phase is Phase.FAILED:
            return [], _failed_hold(unit)
        return self._bring_up(unit), None

    def _take_down(self, unit: UnitState) -> list[Step]:
        if _waits(unit, self.now):
            return []
        hold = self._dependents_hold(unit)
        steps = [_stop(unit, instance, hold=hold) for instance in unit.live]
        if unit.intent is Intent.REMOVE or unit.dropped:
            steps += _removals(unit, unit.instances, tuple(step.id for step in steps))
        return steps

    def _dependents_hold(self, unit: UnitState) -> Hold | None:
        """Dependents that go away too go first, except when everything is killed at once."""
        if unit.stop_signal == "SIGKILL":
            return None
        for other in self.dependents.get(unit.key.service, ()):
            if not other.wanted and other.live and other.key.service != unit.key.service:
                name = other.key.service
                return Hold(unit.key.service, name, f"waits for {name} to stop first")
        return None

    def _discard_stale(self, unit: UnitState) -> list[Step]:
        """What sleeps and is not as it should be goes away; the next connection starts it anew."""
        stops = [_stop(unit, instance) for instance in unit.stale()]
        return stops + _removals(unit, unit.stale(), tuple(step.id for step in stops))

    def _replace(self, unit: UnitState) -> list[Step]:
        if unit.successor is not None:
            return self._hand_over(unit, unit.successor)
        if unit.rejected and unit.unit and unit.rejected.fingerprint == unit.unit.fingerprint and not unit.condemned:
            return _removals(unit, [i for i in unit.instances if not i.alive], ())
        serving = unit.current
        if serving is None or serving not in unit.stale() or not unit.keeps_serving:
            return self._replace_stale(unit)
        # What it took over from may be what is wanted again, but it is not what callers reach.
        others = [instance for instance in unit.live if instance != serving]
        if not others:
            return self._replace_beside(unit, serving)
        stops = [_stop(unit, instance, cause="another instance serves") for instance in others]
        return stops + _removals(unit, others, tuple(step.id for step in stops))

    def _replace_beside(self, unit: UnitState, old: Observed) -> list[Step]:
        """The old one serves until the new one is ready."""
        stop = _stop(unit, old)
        first = self._preparation(unit, beside=True)
        removals = _removals(unit, [i for i in unit.instances if not i.alive], tuple(step.id for step in first))
        start = replace(self._start(unit, [*first, *removals], stop.cause, stop.event), beside=True)
        switch = _step(Op.SWITCH, unit, stop.cause, stop.event, after=(start.id,))
        stop = replace(stop, after=(switch.id,))
        return [*first, *removals, start, switch, stop, *_removals(unit, [old], (stop.id,))]

    def _hand_over(self, unit: UnitState, new: Observed) -> list[Step]:
        """What becomes of a new instance beside the old one: it takes over, is waited for, or goes again."""
        unwell = unit.beside is not None and unit.beside.health is Health.UNHEALTHY
        if unwell or new in unit.stale() or unit.rejected is not None or not unit.goes_green:
            cause = unit.rejected.why if unit.rejected else unit.why
            stop = _stop(unit, new, cause=cause)
            return [stop, *_removals(unit, [new], (stop.id,))]
        if unit.beside is None or not unit.beside.ready:
            return []
        cause, event = unit.why, unit.cause
        switch = replace(_step(Op.SWITCH, unit, cause, event), ref=new.ref)
        stops = [_stop(unit, i, after=(switch.id,)) for i in unit.live if i is not new]
        return [switch, *stops, *_removals(unit, [i for i in unit.live if i is not new], tuple(s.id for s in stops))]

    def _replace_stale(self, unit: UnitState) -> list[Step]:
        stale = unit.stale()
        good = [instance for instance in unit.live if instance not in stale]
        extra = sorted(good, key=lambda instance: instance.started_at)[:-1]
        if good:
            stops = [_stop(unit, instance, cause="a second instance of it runs") for instance in extra]
            stops += [_stop(unit, instance) for instance in stale]
            gone = [i for i in unit.instances if i not in good or i in extra]
            return stops + _removals(unit, gone, tuple(step.id for step in stops))
        first = self._preparation(unit, beside=True)
        stops = [_stop(unit, instance, after=tuple(step.id for step in first)) for instance in stale]
        removals = _removals(unit, unit.instances, tuple(step.id for step in stops))
        cause = stops[0].cause
        return [*first, *stops, *removals, self._start(unit, removals, cause, stops[0].event)]

    def _bring_up(self, unit: UnitState) -> list[Step]:
        first = self._preparation(unit)
        fit = [i for i in unit.instances if unit.unit and i.fingerprint == unit.unit.fingerprint]
        again = next((i for i in fit if i.ref not in unit.spent), None)
        old = [instance for instance in unit.instances if instance is not again]
        removals = _removals(unit, old, tuple(step.id for step in first))
        why = f"again, for it {unit.why}" if unit.phase is Phase.BACKOFF else unit.why
        start = self._start(unit, [*first, *removals], why, unit.cause)
        return [*first, *removals, replace(start, ref=again.ref if again else None)]

    def _preparation(self, unit: UnitState, *, beside: bool = False) -> list[Step]:
        if unit.unit is None or unit.prepared == unit.unit.fingerprint:
            return []
        return [replace(_step(Op.PREPARE, unit, unit.why, unit.cause), beside=beside)]

    def _start(self, unit: UnitState, before: list[Step], cause: str, event: int) -> Step:
        gate = self._gate(unit)
        if gate.event > event:
            cause, event = gate.cause, gate.event
        after = tuple(step.id for step in before)
        return _step(Op.START, unit, cause, event, after=after, hold=gate.hold)

    def _gate(self, unit: UnitState) -> _Gate:
        latest = _Gate(None)
        for need in unit.needs:
            for other in self.services.get(need.service, ()):
                if not other.meets(need.until):
                    if need.required or other.wanted:
                        return _Gate(_need_hold(unit, need, other))
                elif other.cause > latest.event:
                    latest = _Gate(None, f"{need.service} is {_met(other)}", other.cause)
        return latest


def _one_by_one(steps: list[Step]) -> list[Step]:
    """The steps of one replica, each after the one before it: a replica has one step under way at a time."""
    before = [()] + [(step.id,) for step in steps[:-1]]
    return (
        [
            replace(step, after=tuple(dict.fromkeys((*step.after, *ids))))
            for step, ids in zip(steps, before, strict=True)
        ]
        if steps
        else []
    )


def _waits(unit: UnitState, now: float) -> bool:
    return unit.retry_at is not None and unit.retry_at > now


def _met(unit: UnitState) -> str:
    if unit.phase is Phase.COMPLETED:
        return "completed"
    return unit.health.value if unit.health.value != "none" else "running"


def _step(
    op: Op, unit: UnitState, cause: str, event: int, *, after: tuple[str, ...] = (), hold: Hold | None = None
) -> Step:
    fingerprint = unit.unit.fingerprint if unit.unit else ""
    return Step(
        id=f"{op}:{unit.key}",
        op=op,
        key=unit.key,
        cause=cause,
        event=event,
        fingerprint=fingerprint,
        after=after,
        hold=hold,
    )


def _stop(
    unit: UnitState, instance: Observed, *, cause: str = "", after: tuple[str, ...] = (), hold: Hold | None = None
) -> Step:
    event = unit.cause
    for condemned in unit.condemned:
        if condemned.ref == instance.ref:
            cause, event = condemned.cause, condemned.event
    return Step(
        id=f"{Op.STOP}:{instance.ref}",
        op=Op.STOP,
        key=unit.key,
        cause=cause or unit.why,
        event=event,
        ref=instance.ref,
        signal=unit.stop_signal,
        grace=unit.stop_grace,
        after=after,
        hold=hold,
    )


def _removals(unit: UnitState, instances: tuple[Observed, ...] | list[Observed], after: tuple[str, ...]) -> list[Step]:
    return [
        Step(
            id=f"{Op.REMOVE}:{instance.ref}",
            op=Op.REMOVE,
            key=unit.key,
            cause=unit.why,
            event=unit.cause,
            ref=instance.ref,
            after=after,
        )
        for instance in instances
    ]


def _need_hold(unit: UnitState, need: Need, other: UnitState) -> Hold:
    name = need.service
    wanted = {"started": "to start", "ready": "to be healthy", "completed": "to complete"}[need.until]
    trouble = blocker(other)
    return Hold(unit.key.service, name, f"waits for {name} {wanted}{f': {trouble}' if trouble else ''}")


def blocker(unit: UnitState) -> str:
    """Why a dependency is not there yet, in words; empty where it is just on its way."""
    if unit.failure is not None:
        return unit.failure.message
    if not unit.wanted:
        return "it is stopped"
    if unit.phase is Phase.COMPLETED:
        return "it has ended"
    if unit.phase is Phase.RUNNING and unit.health.value == "unhealthy":
        return f"it is unhealthy ({unit.probe_output})" if unit.probe_output else "it is unhealthy"
    return ""


def _backoff_hold(unit: UnitState) -> Hold:
    pause = (unit.retry_at or 0.0) - unit.since
    message = unit.failure.message if unit.failure else unit.why
    return Hold(unit.key.service, "a pause", f"{message}; tried again after {pause:.1f} s")


def _sleeping_hold(unit: UnitState) -> Hold:
    ports = unit.unit.spec.ports if unit.unit else ()
    where = f" to {ports[0].host}:{ports[0].published}" if ports else ""
    return Hold(unit.key.service, "a connection", f"wakes at the first connection{where}")


def _failed_hold(unit: UnitState) -> Hold:
    message = unit.failure.message if unit.failure else "failed"
    return Hold(unit.key.service, "a restart or a change", message)
