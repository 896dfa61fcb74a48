"""The answer to *why*: how a replica is, where its trouble begins, and the chain of causes that brought it there."""

from __future__ import annotations

from dataclasses import replace

from devbox.control.protocol import Row, Why
from devbox.domain.event import InstanceSeen
from devbox.domain.graph import dependents
from devbox.engine.loop import Engine
from devbox.engine.trace import chain_of
from devbox.plan.diagnosis import Diagnosis, diagnose, error_line, try_next
from devbox.plan.state import State, UnitState

_LOOKED_BACK = 500
"""Events among which the end of a dependency that runs again is looked for."""

_TAIL, _LONG_TAIL = 10, 20


def explained(engine: Engine, unit: UnitState, row: Row) -> Why:
    """Why a replica is as it is; `row` shows it."""
    failure, service = unit.failure, unit.key.service
    running = failure is None and unit.ready
    waiting = {key.service for key, hold in engine.decision.holds.items() if hold.waits_for == service}
    latest = engine.journal.since(engine.state.seq - _LOOKED_BACK)
    state = _as_probed(engine)
    found = diagnose(state, engine.decision.holds, state.units[unit.key], latest)
    error, remedy = _told(engine, found)
    return Why(
        row=row,
        headline=f"{row.name} is {row.state}: {row.note}" if row.note else f"{row.name} is {row.state}",
        chain=chain_of(_causes(engine, unit, found), engine.journal),
        tail=() if running else (failure.tail if failure else ()) or engine.logs.tail(unit.key, _TAIL),
        blocks=tuple(sorted(waiting & dependents(service, engine.state.needs()))),
        hint=failure.hint if failure else "",
        culprit=found.culprit,
        first_cause=found.first_cause,
        error_line=error,
        try_next=remedy,
    )


def _as_probed(engine: Engine) -> State:
    """The mesh, with what the last probe said in place of the one that changed the verdict."""
    said = ((unit, engine.prober.last_output(unit.key)) for unit in engine.state)
    return engine.state.with_units(replace(unit, probe_output=output) for unit, output in said if output)


def _causes(engine: Engine, unit: UnitState, found: Diagnosis) -> list[int]:
    """The events that brought a replica where it is, and each of those that its trouble comes from."""
    units = engine.state.units
    on_the_way = [units[key].cause for key in found.path if key in units and found.lapse is None]
    return [unit.cause, *on_the_way, *([found.lapse.seq] if found.lapse else [])]


def _told(engine: Engine, found: Diagnosis) -> tuple[str, str]:
    """The line with which the culprit says it, and what to try."""
    if not found.culprit or found.outage:
        return "", found.outage.hint if found.outage else ""
    if found.lapse is not None and isinstance(found.lapse.body, InstanceSeen):
        hint = f"`devbox logs {found.culprit}` has what it said before it ended."
        return error_line(found.lapse.body.tail), hint
    culprit = engine.state.units[found.path[-1]]
    tail = (culprit.failure.tail if culprit.failure else ()) or engine.logs.tail(culprit.key, _LONG_TAIL)
    return error_line(tail), try_next(culprit)
