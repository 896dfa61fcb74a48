"""What a change of watched files does to the state. Part of `engine.reduce`, and as pure.

A reload replaces instances, and wakes a service that failed or pauses. It never starts one that nobody wants to run:
in the middle of a `down` it does nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from devbox.domain.event import Event, ReloadRequested
from devbox.domain.graph import dependents
from devbox.domain.instance import Observed
from devbox.domain.status import Failure, FailureKind
from devbox.plan.state import State, UnitState

Condemn = Callable[[UnitState, Event, str], UnitState]
"""Has a replica make way for a new one of itself, for a reason in words."""


def reload_requested(state: State, event: Event, body: ReloadRequested, condemn: Condemn) -> State:
    """Its replicas make way for new ones; those that asked to follow it do so too."""
    mine = [unit for unit in state.of_service(body.service) if unit.wanted and (unit.live or not unit.asleep)]
    if not mine:
        return state
    changed = [_awaited(condemn(unit, event, event.describe()), event) for unit in mine]
    followers = [condemn(unit, event, f"{body.service} is reloaded") for unit in _followers(state, body)]
    return state.with_units([*changed, *followers])


def _awaited(unit: UnitState, event: Event) -> UnitState:
    return replace(unit, reload=event.seq, stop_signal=None, stop_grace=None)


def _followers(state: State, body: ReloadRequested) -> Iterator[UnitState]:
    """Live replicas of services that are restarted with this one: those that ask for it, with `cascade` all."""
    edges = {u.key.service: tuple(n.service for n in u.needs if n.restart or body.cascade) for u in state}
    for name in sorted(dependents(body.service, edges) - {body.service}):
        yield from (unit for unit in state.of_service(name) if unit.wanted and unit.live)


def suspended(unit: UnitState, seen: Observed) -> UnitState:
    """A service that does not come up since its files changed: it is not started again before they change again."""
    times = f"{unit.attempts} starts in a row failed since its files changed, the last one {seen.ending()}"
    failure = unit.failure or Failure(FailureKind.CRASH_LOOP, "")
    message = f"suspended: {times}; a save wakes it"
    return replace(unit, failure=replace(failure, kind=FailureKind.CRASH_LOOP, message=message))
