"""How each fact changes what is known. Pure: the same history always gives the same state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from devbox.domain.event import (
    Body,
    Event,
    HealthChanged,
    InstanceGone,
    InstanceSeen,
    IntentChanged,
    Outdated,
    PauseChanged,
    ReloadRequested,
    RestartRequested,
    RuntimeReachable,
    RuntimeUnreachable,
    Slept,
    SpecApplied,
    StepFailed,
    StepFinished,
    StepStarted,
    Woken,
)
from devbox.domain.graph import dependents
from devbox.domain.instance import Observed, Ref
from devbox.domain.spec import Unit
from devbox.domain.status import Failure, FailureKind, Health, Intent, Phase, advance
from devbox.domain.step import Op
from devbox.engine import beside
from devbox.engine.reload import reload_requested, suspended
from devbox.plan.backoff import LONG_LIFE, pause
from devbox.plan.diagnosis import CRASHES
from devbox.plan.fingerprint import difference
from devbox.plan.state import CRASH_LOOP, Beside, Condemned, State, UnitState

_RETRY_PAUSE = 1.0
"""Seconds before a stop or a removal that could not be done is tried again."""

_REST = (Phase.COMPLETED, Phase.FAILED, Phase.BACKOFF)
"""Phases that a person's word or a change of the manifest ends."""


def reduce(state: State, event: Event) -> State:
    """The state after `event`. Raises IllegalTransition for a history that cannot be."""
    handler = _HANDLERS.get(type(event.body))
    changed = handler(state, event, event.body) if handler else state
    return replace(changed, seq=event.seq)


def _spec_applied(state: State, event: Event, body: SpecApplied) -> State:
    units = {unit.key: unit for unit in body.units}
    kept = [_respec(state.units.get(key, UnitState(key)), unit, event) for key, unit in units.items()]
    gone = [_drop(old, event) for key, old in state.units.items() if key not in units]
    ordered = [*kept, *(old for old in gone if old.instances or old.step)]
    return replace(state, units={unit.key: unit for unit in ordered})


def _respec(old: UnitState, unit: Unit, event: Event) -> UnitState:
    known = _put_to_sleep(replace(old, unit=unit, dropped=False))
    if old.unit is None:
        known = replace(known, health=_first_health(known) if known.live else known.health, since=old.since or event.at)
        return beside.first_seen(known)
    if old.unit.fingerprint == unit.fingerprint:
        return known
    why = difference(old.unit.spec, unit.spec) or "its manifest changed"
    return _rest_ended(replace(known, why=why, cause=event.seq, rejected=None), event)


def _put_to_sleep(unit: UnitState) -> UnitState:
    """Where it starts on demand: asleep if it does not run, or was found frozen."""
    if not unit.on_demand:
        return replace(unit, asleep=False)
    if not unit.live:
        return replace(unit, asleep=unit.asleep or unit.phase is Phase.IDLE)
    return replace(unit, asleep=unit.paused)


def _drop(old: UnitState, event: Event) -> UnitState:
    return replace(old, dropped=True, why="no longer in the manifest", cause=event.seq)


def _rest_ended(unit: UnitState, event: Event) -> UnitState:
    """A replica that had come to rest (completed, failed, pausing) gets a fresh chance, from its preparation on."""
    fresh = replace(unit, attempts=0, retry_at=None, failure=None, prepared="" if not unit.live else unit.prepared)
    return _moved(fresh, Phase.IDLE, event) if unit.phase in _REST else fresh


def _moved(unit: UnitState, phase: Phase, event: Event) -> UnitState:
    since = unit.since if phase is unit.phase else event.at
    return replace(unit, phase=advance(unit.phase, phase), since=since)


def _asked(state: State, services: Iterable[str]) -> list[UnitState]:
    names = frozenset(services) or state.services()
    return [unit for unit in state if unit.key.service in names]


def _intent_changed(state: State, event: Event, body: IntentChanged) -> State:
    return state.with_units(_intend(unit, event, body) for unit in _asked(state, body.services))


def _intend(unit: UnitState, event: Event, body: IntentChanged) -> UnitState:
    asked = replace(unit, intent=body.intent, stop_signal=body.signal, stop_grace=body.grace, rejected=None)
    asked = _put_to_sleep(asked) if asked.wanted and not unit.wanted else asked
    at_rest = unit.phase in (Phase.FAILED, Phase.BACKOFF) or (unit.phase is Phase.COMPLETED and not asked.wanted)
    if unit.intent is body.intent and not at_rest:
        return asked
    # What it was made ready with may be gone by now: somebody cleaned up among the images.
    prepared = unit.prepared if unit.live else ""
    worded = replace(asked, why=body.by, cause=event.seq, attempts=0, retry_at=None, prepared=prepared)
    return _rest_ended(worded, event) if at_rest else worded


def _restart_requested(state: State, event: Event, body: RestartRequested) -> State:
    named = {unit.key.service for unit in _asked(state, body.services)}
    why = f"{body.by} asked for a restart"
    direct = [replace(_condemn(u, event, why), stop_grace=body.grace) for u in _asked(state, body.services)]
    followers = _restart_followers(state, named)
    return state.with_units([*direct, *(_condemn(unit, event, why) for unit, why in followers)])


def _restart_followers(state: State, named: set[str]) -> list[tuple[UnitState, str]]:
    """Live replicas of services that asked to be restarted with one of those named (`restart: true`)."""
    edges = {u.key.service: tuple(n.service for n in u.needs if n.restart) for u in state}
    found = []
    for name in sorted(named):
        for follower in dependents(name, edges) - named:
            found += [(unit, f"{name} is restarted") for unit in state.of_service(follower) if unit.live]
    return found


def _condemn(unit: UnitState, event: Event, why: str) -> UnitState:
    condemned = tuple(Condemned(instance.ref, why, event.seq) for instance in unit.live)
    asked = replace(unit, intent=Intent.RUN, condemned=condemned, stop_signal=None, stop_grace=None)
    asked = replace(asked, rejected=None, reload=0)
    if unit.live:
        return replace(asked, attempts=0, retry_at=None, failure=None)
    return _rest_ended(replace(asked, why=why, cause=event.seq), event)


def _reload_requested(state: State, event: Event, body: ReloadRequested) -> State:
    return reload_requested(state, event, body, _condemn)


def _outdated(state: State, event: Event, body: Outdated) -> State:
    unit = state.units.get(body.key)
    instance = next((i for i in unit.instances if i.ref == body.ref), None) if unit is not None else None
    if unit is None or instance is None:
        return state
    there = [i.ref for i in unit.instances]
    spent = replace(unit, spent=(*(ref for ref in unit.spent if ref in there and ref != body.ref), body.ref))
    if not instance.alive:
        return state.with_units([spent if unit.live else _rest_ended(replace(spent, why=body.why), event)])
    others = tuple(each for each in unit.condemned if each.ref != body.ref)
    condemned = (*others, Condemned(body.ref, body.why, event.seq))
    return state.with_units([replace(spent, condemned=condemned, rejected=None)])


def _pause_changed(state: State, event: Event, body: PauseChanged) -> State:
    unit = state.units.get(body.key)
    if unit is None:
        return state
    instances = tuple(replace(i, paused=body.paused) if i.ref == body.ref else i for i in unit.instances)
    asleep = unit.asleep and body.paused
    return state.with_units([replace(unit, instances=instances, why=event.describe(), cause=event.seq, asleep=asleep)])


def _slept(state: State, event: Event, body: Slept) -> State:
    unit = state.units.get(body.key)
    if unit is None or not unit.on_demand or body.ref not in [i.ref for i in unit.live]:
        return state
    instances = tuple(replace(i, paused=True) if i.ref == body.ref else i for i in unit.instances)
    slept = replace(unit, instances=instances, asleep=True, why=event.describe(), cause=event.seq)
    return state.with_units([slept])


def _woken(state: State, event: Event, body: Woken) -> State:
    unit = state.units.get(body.key)
    if unit is None or not unit.wanted:
        return state
    instances = tuple(replace(i, paused=False) if i.alive and unit.asleep else i for i in unit.instances)
    woken = replace(unit, instances=instances, asleep=False, why=event.describe(), cause=event.seq)
    return state.with_units([woken if unit.live else _rest_ended(woken, event)])


def _step_started(state: State, event: Event, body: StepStarted) -> State:
    unit = state.units.get(body.step.key)
    if unit is None:
        return state
    started = replace(unit, step=body.step, retry_at=None)
    match body.step.op:
        case Op.PREPARE if not unit.live:
            started = _moved(started, Phase.PREPARING, event)
        case Op.START if unit.live:
            started = replace(started, rejected=None, cause=event.seq)
        case Op.START:
            restarts = unit.restarts + (1 if unit.phase is Phase.BACKOFF else 0)
            started = replace(_moved(started, Phase.STARTING, event), restarts=restarts, cause=event.seq)
        case Op.STOP if body.step.ref in [i.ref for i in unit.live] and len(unit.live) == 1:
            started = _moved(started, Phase.STOPPING, event)
    return state.with_units([started])


def _step_finished(state: State, event: Event, body: StepFinished) -> State:
    unit = state.units.get(body.key)
    if unit is None:
        return state
    step = unit.step
    done = replace(unit, step=None)
    match body.op:
        case Op.PREPARE:
            fingerprint = step.fingerprint if step else ""
            done = replace(done, prepared=fingerprint)
            done = _moved(done, Phase.IDLE, event) if unit.phase is Phase.PREPARING else done
        case Op.START:
            done = _started(done, event, step.ref if step else None, body.observed)
        case Op.SWITCH:
            done = beside.switched(done, event)
        case Op.STOP:
            done = _stopped(done, event, step.ref if step else None, body.observed)
        case Op.REMOVE:
            done = replace(done, instances=tuple(i for i in unit.instances if step is None or i.ref != step.ref))
    return _settled(state, beside.settled(done, event))


def _settled(state: State, unit: UnitState) -> State:
    """The state with this replica, or without it once it is dropped and nothing of it is left."""
    if not unit.dropped or unit.instances or unit.step:
        return state.with_units([unit])
    return replace(state, units={key: u for key, u in state.units.items() if key != unit.key})


def _started(unit: UnitState, event: Event, former: Ref | None, observed: Observed | None) -> UnitState:
    if observed is None:
        return _moved(unit, Phase.IDLE, event)
    others = tuple(i for i in unit.instances if i.ref != former or i.ref == observed.ref)
    if any(i.alive and i.ref != observed.ref for i in others):
        added = replace(unit, instances=merge(others, observed))
        if unit.beside is not None and unit.beside.ref == observed.ref:
            return added
        return replace(added, beside=Beside(observed.ref, _first_health_of(added, observed)))
    merged = replace(unit, instances=merge(others, observed), failure=None, stop_grace=None, why="started")
    merged = replace(merged, cause=event.seq, rejected=None)
    running = _moved(replace(merged, health=_first_health(merged), probe_output=""), Phase.RUNNING, event)
    ended = next((i for i in merged.instances if i.ref == observed.ref and not i.alive), None)
    return _ended(running, event, ended, ()) if ended else running


def _stopped(unit: UnitState, event: Event, ref: Ref | None, observed: Observed | None) -> UnitState:
    instances = merge(unit.instances, observed) if observed else unit.instances
    condemned = tuple(each for each in unit.condemned if each.ref != ref)
    replaced = replace(unit, instances=instances, condemned=condemned)
    if unit.wanted:
        cause = next((each for each in unit.condemned if each.ref == ref), None)
        why, seq = (cause.cause, cause.event) if cause else (unit.why, event.seq)
        replaced = replace(replaced, why=why, cause=max(seq, unit.cause))
    if replaced.live:
        return _moved(replaced, Phase.RUNNING, event) if unit.phase is Phase.STOPPING else replaced
    idle = replace(replaced, health=Health.NONE, probe_output="", failure=None)
    return _moved(idle, Phase.IDLE, event)


def _step_failed(state: State, event: Event, body: StepFailed) -> State:
    unit = state.units.get(body.key)
    if unit is None:
        return state
    stuck = beside.settled(replace(unit, step=None), event)
    if body.failure is None:
        return state.with_units([_moved(stuck, Phase.RUNNING if unit.live else Phase.IDLE, event)])
    if unit.live and (body.op is Op.SWITCH or (unit.step is not None and unit.step.beside and unit.goes_green)):
        return state.with_units([beside.rejected(stuck, event, body.failure.message)])
    stuck = replace(stuck, failure=body.failure, why=body.failure.message, cause=event.seq)
    if body.op in (Op.STOP, Op.REMOVE):
        # What ran may have ended while another, beside it, was being stopped.
        seems_live = unit.phase in (Phase.STOPPING, Phase.RUNNING)
        phase = unit.phase if not seems_live else Phase.RUNNING if unit.live else Phase.IDLE
        if phase is Phase.IDLE:
            stuck = replace(stuck, health=Health.NONE, probe_output="")
        return state.with_units([_moved(replace(stuck, retry_at=event.at + _RETRY_PAUSE), phase, event)])
    if unit.live:
        return state.with_units([replace(stuck, retry_at=event.at + pause(unit.key, 9))])
    return state.with_units([_moved(stuck, Phase.FAILED, event)])


def _instance_seen(state: State, event: Event, body: InstanceSeen) -> State:
    seen = body.observed
    unit = state.units.get(seen.key, UnitState(seen.key, since=event.at))
    merged = replace(unit, instances=merge(unit.instances, seen))
    if merged.instances == unit.instances:
        return state
    if unit.step is not None and unit.step.op in (Op.START, Op.STOP, Op.SWITCH):
        early = unit.step.op is Op.START and unit.step.beside and seen.alive and unit.live and unit.beside is None
        if early and seen.ref not in [i.ref for i in unit.live]:
            # The vendor tells of the new one before the step that starts it is done.
            merged = replace(merged, beside=Beside(seen.ref, _first_health_of(merged, seen)))
        return state.with_units([merged])
    if seen.alive:
        known = seen.ref in [instance.ref for instance in unit.live]
        return state.with_units([_updated(merged, event, seen) if known else _found(merged, event)])
    if unit.unit is None:
        return state.with_units([_found_ended(merged, seen)])
    if unit.beside is not None and merged.live:
        return state.with_units([beside.settled(merged, event, beside.ending(seen, body.tail))])
    if seen.ref not in [instance.ref for instance in unit.live] or merged.live:
        return state.with_units([merged])
    return state.with_units([_ended(merged, event, seen, body.tail)])


def _updated(unit: UnitState, event: Event, seen: Observed) -> UnitState:
    """More is known of an instance that goes on living: the vendor's own verdict on its health, say."""
    if unit.beside is not None and unit.beside.ref == seen.ref:
        judged = seen.health is not None and _vendor_judges(unit)
        return beside.judged(unit, event, seen.health, seen.health_output) if seen.health and judged else unit
    health = _first_health(unit)
    if seen.health is None or health is unit.health or not _vendor_judges(unit):
        return unit
    changed = replace(unit, health=health, probe_output=seen.health_output, cause=event.seq)
    return replace(changed, why=f"{health}: {seen.health_output}" if seen.health_output else str(health))


def _found(unit: UnitState, event: Event) -> UnitState:
    """An instance runs that nobody here started: it is taken over as it is."""
    intent = Intent.RUN if unit.unit is None else unit.intent
    found = replace(unit, intent=intent, health=_first_health(unit), why="found running", cause=event.seq)
    return _moved(beside.first_seen(_put_to_sleep(found)), Phase.RUNNING, event)


def _found_ended(unit: UnitState, seen: Observed) -> UnitState:
    """An instance ended while no supervisor was there. A job that was done stays done."""
    if unit.live or not seen.succeeded:
        return unit
    return replace(unit, intent=Intent.RUN, phase=Phase.COMPLETED, since=seen.finished_at or 0.0)


def _ended(unit: UnitState, event: Event, seen: Observed, tail: tuple[str, ...]) -> UnitState:
    """An instance ended that nobody here stopped.

    One that was to be replaced anyway makes way for its successor, however it ended.
    """
    quiet = replace(unit, health=Health.NONE, condemned=(), rejected=None, why=seen.ending(), cause=event.seq)
    if not unit.wanted or unit.unit is None:
        return _moved(quiet, Phase.IDLE, event)
    if unit.step is not None and unit.step.op is Op.PREPARE:
        return _moved(quiet, Phase.PREPARING, event)
    if seen.fingerprint != unit.unit.fingerprint:
        return _moved(quiet, Phase.IDLE, event)
    restart = unit.unit.spec.restart
    lived = (seen.finished_at or event.at) - seen.started_at
    attempts = 1 if lived >= LONG_LIFE else unit.attempts + 1
    reload = 0 if lived >= LONG_LIFE else unit.reload
    counted = replace(quiet, attempts=attempts, failure=_failure(seen, tail, attempts), reload=reload)
    if reload and attempts >= CRASH_LOOP:
        return _moved(suspended(counted, seen), Phase.FAILED, event)
    if restart.wants(succeeded=seen.succeeded, attempts=attempts - 1):
        return _moved(replace(counted, retry_at=event.at + pause(unit.key, attempts)), Phase.BACKOFF, event)
    if seen.succeeded:
        return _moved(replace(counted, attempts=0, failure=None), Phase.COMPLETED, event)
    return _moved(counted, Phase.FAILED, event)


def _failure(seen: Observed, tail: tuple[str, ...], attempts: int) -> Failure:
    kind = FailureKind.EXITED
    message, hint = seen.ending(), ""
    if seen.oom:
        kind, hint = FailureKind.OUT_OF_MEMORY, "Give it more memory, or find what it keeps."
    elif seen.signal in CRASHES:
        kind, message = FailureKind.KILLED, f"crashed ({CRASHES[seen.signal]})"
    elif seen.signal is not None:
        kind, message = FailureKind.KILLED, f"{seen.ending()} from outside"
        hint = "Somebody or the kernel killed it: devbox did not." if seen.signal == 9 else ""
    if attempts >= CRASH_LOOP:
        kind, message = FailureKind.CRASH_LOOP, f"crash loop: {attempts} ends in a row, the last one {message}"
    return Failure(kind, message, hint, exit_code=seen.exit_code, signal=seen.signal, tail=tail)


def _instance_gone(state: State, event: Event, body: InstanceGone) -> State:
    unit = state.units.get(body.key)
    if unit is None or body.ref not in [instance.ref for instance in unit.instances]:
        return state
    was_live = body.ref in [instance.ref for instance in unit.live]
    left = replace(unit, instances=tuple(i for i in unit.instances if i.ref != body.ref))
    op = unit.step.op if unit.step else None
    if not was_live or left.live or op in (Op.START, Op.STOP, Op.SWITCH):
        return _settled(state, left if op is Op.SWITCH else beside.settled(left, event, "it disappeared"))
    quiet = replace(left, health=Health.NONE, condemned=(), why="it disappeared", cause=event.seq)
    return _settled(state, _moved(quiet, Phase.PREPARING if op is Op.PREPARE else Phase.IDLE, event))


def _health_changed(state: State, event: Event, body: HealthChanged) -> State:
    unit = state.units.get(body.key)
    if unit is None or unit.phase is not Phase.RUNNING or body.ref not in [i.ref for i in unit.live]:
        return state
    if unit.beside is not None and unit.beside.ref == body.ref:
        return state.with_units([beside.judged(unit, event, body.health, body.output)])
    changed = replace(unit, health=body.health, probe_output=body.output, cause=event.seq)
    return state.with_units([replace(changed, why=event.describe())])


def _first_health(unit: UnitState) -> Health:
    """What is known of the current instance's health before a probe of ours has said anything."""
    return _first_health_of(unit, unit.current)


def _first_health_of(unit: UnitState, instance: Observed | None) -> Health:
    if instance is not None and instance.health is not None and _vendor_judges(unit):
        return instance.health
    return Health.STARTING if unit.unit is not None and unit.unit.spec.probe is not None else Health.NONE


def _vendor_judges(unit: UnitState) -> bool:
    """Whether a check that the vendor makes counts: the manifest asks for none of its own."""
    probe = unit.unit.spec.probe if unit.unit is not None else None
    return probe is None or probe.assumed


def merge(instances: tuple[Observed, ...], seen: Observed) -> tuple[Observed, ...]:
    """`instances` with what was just seen. Of two sights of one instance the later life counts, and of that its end."""
    known = next((i for i in instances if i.ref == seen.ref), None)
    if known is None:
        return (*instances, seen)
    if (known.started_at, not known.alive) > (seen.started_at, not seen.alive):
        return instances
    return tuple(seen if i.ref == seen.ref else i for i in instances)


_Handler = Callable[[State, Event, Any], State]


def _runtime_unreachable(state: State, event: Event, body: RuntimeUnreachable) -> State:
    return replace(state, outages={**state.outages, body.outage.runtime: body.outage})


def _runtime_reachable(state: State, event: Event, body: RuntimeReachable) -> State:
    return replace(state, outages={name: each for name, each in state.outages.items() if name != body.runtime})


_HANDLERS: dict[type[Body], _Handler] = {
    SpecApplied: _spec_applied,
    IntentChanged: _intent_changed,
    RestartRequested: _restart_requested,
    ReloadRequested: _reload_requested,
    Outdated: _outdated,
    PauseChanged: _pause_changed,
    StepStarted: _step_started,
    StepFinished: _step_finished,
    StepFailed: _step_failed,
    InstanceSeen: _instance_seen,
    InstanceGone: _instance_gone,
    HealthChanged: _health_changed,
    RuntimeUnreachable: _runtime_unreachable,
    RuntimeReachable: _runtime_reachable,
    Slept: _slept,
    Woken: _woken,
}
