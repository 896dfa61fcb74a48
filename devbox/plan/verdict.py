"""Whether what was asked for has come about, is on its way, or cannot come about any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from devbox.domain.spec import UnitKey
from devbox.domain.status import Health, Hold, Intent, Phase
from devbox.plan.state import State, UnitState


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A service that cannot get where it was asked to be."""

    service: str
    reason: str
    tail: tuple[str, ...] = ()
    hint: str = ""


SETTLED_AFTER = 1.0
"""Seconds that a service without a probe must live before it counts as ready: many die of their first mistake."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`pending` names services on their way; `shortfalls` those that will not arrive. Neither: all is as asked.

    `look_again_at` is when the outcome may be another though nothing happened.
    """

    pending: tuple[str, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    look_again_at: float | None = None

    @property
    def settled(self) -> bool:
        return not self.pending or bool(self.shortfalls)


def assess(
    state: State, holds: Mapping[UnitKey, Hold], services: Collection[str], *, ready: bool, now: float
) -> Outcome:
    """How far services are on the way to what is wanted of them.

    One that shall run has arrived when it was started (with `ready`: when it is healthy too, or has lived for a moment
    where it has no probe), a job when it is done; one that shall not has arrived when nothing of it runs.
    """
    pending: list[str] = []
    shortfalls: list[Shortfall] = []
    settling: list[float] = []
    for unit in state:
        if unit.key.service not in services:
            continue
        if _arrived(unit, ready=ready):
            settled_at = unit.since + SETTLED_AFTER if ready and _lives_unprobed(unit) else now
            if settled_at > now:
                settling.append(settled_at)
                pending.append(unit.key.service)
        elif reason := _hopeless(state, unit, holds, ready=ready):
            shortfalls.append(_shortfall(unit, reason))
        else:
            pending.append(unit.key.service)
    return Outcome(tuple(pending), tuple(shortfalls), min(settling, default=None))


def _lives_unprobed(unit: UnitState) -> bool:
    return unit.wanted and unit.phase is Phase.RUNNING and unit.health is Health.NONE


def _shortfall(unit: UnitState, reason: str) -> Shortfall:
    failure = unit.failure
    return Shortfall(unit.key.service, reason, failure.tail if failure else (), failure.hint if failure else "")


def _arrived(unit: UnitState, *, ready: bool) -> bool:
    if unit.step is not None:
        return False
    if not unit.wanted:
        gone = unit.intent is Intent.REMOVE or unit.dropped
        return not unit.live and not (gone and unit.instances)
    if unit.asleep:
        return True
    if unit.condemned or unit.stale() or unit.rejected or unit.beside:
        return False
    if unit.phase is Phase.COMPLETED:
        return True
    return unit.phase is Phase.RUNNING and (unit.ready or not ready)


def _hopeless(
    state: State, unit: UnitState, holds: Mapping[UnitKey, Hold], *, ready: bool, seen: frozenset[UnitKey] = frozenset()
) -> str:
    """Why a replica will not arrive without somebody's help, in words; empty while there is hope."""
    if not unit.wanted or unit.key in seen or unit.step is not None:
        return ""
    if unit.phase is Phase.FAILED or (unit.crash_looping and unit.phase is Phase.BACKOFF):
        return unit.failure.message if unit.failure else "failed"
    if unit.rejected is not None and unit.successor is None and not unit.condemned:
        return f"the old one serves: {unit.rejected.why}"
    if ready and unit.phase is Phase.RUNNING and unit.health is Health.UNHEALTHY:
        return f"unhealthy: {unit.probe_output}" if unit.probe_output else "unhealthy"
    hold = holds.get(unit.key)
    if hold is not None and _blocked_for_good(state, unit, hold, holds, seen | {unit.key}):
        return hold.why
    return ""


def _blocked_for_good(
    state: State, unit: UnitState, hold: Hold, holds: Mapping[UnitKey, Hold], seen: frozenset[UnitKey]
) -> bool:
    need = next((need for need in unit.needs if need.service == hold.waits_for), None)
    if need is None:
        return False
    for other in state.of_service(need.service):
        if other.meets(need.until) or other.step is not None:
            continue
        if not other.wanted or other.phase is Phase.COMPLETED or _hopeless(state, other, holds, ready=True, seen=seen):
            return True
    return False
