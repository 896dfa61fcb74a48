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


@dataclass(frozen=True, slots=True)
class Outcome:
    """`pending` names services on their way; `shortfalls` those that will not arrive. Neither: all is as asked."""

    pending: tuple[str, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()

    @property
    def settled(self) -> bool:
        return not self.pending or bool(self.shortfalls)


def assess(state: State, holds: Mapping[UnitKey, Hold], services: Collection[str], *, ready: bool) -> Outcome:
    """How far services are on the way to what is wanted of them.

    One that shall run has arrived when it was started (with `ready`: when it is healthy too), a job when it is done;
    one that shall not has arrived when nothing of it runs.
    """
    pending: list[str] = []
    shortfalls: list[Shortfall] = []
    for unit in state:
        if unit.key.service not in services or _arrived(unit, ready=ready):
            continue
        reason = _hopeless(state, unit, holds, ready=ready)
        if reason:
            failure = unit.failure
            shortfalls.append(
                Shortfall(unit.key.service, reason, failure.tail if failure else (), failure.hint if failure else "")
            )
        else:
            pending.append(unit.key.service)
    return Outcome(tuple(pending), tuple(shortfalls))


def _arrived(unit: UnitState, *, ready: bool) -> bool:
    if unit.step is not None:
        return False
    if not unit.wanted:
        gone = unit.intent is Intent.REMOVE or unit.dropped
        return not unit.live and not (gone and unit.instances)
    if unit.condemned or unit.stale():
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
