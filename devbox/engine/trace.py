"""The chain of causes behind the state of a replica: the answer to *why*."""

from __future__ import annotations

from devbox.domain.event import Event
from devbox.engine.journal import Journal
from devbox.plan.state import UnitState

_LONGEST = 30


def chain_of(unit: UnitState, journal: Journal) -> tuple[Event, ...]:
    """The event that brought a replica where it is, the one that caused that, and so on back to the first."""
    chain: list[Event] = []
    seq = unit.cause
    while seq and len(chain) < _LONGEST and (event := journal.find(seq)) is not None:
        chain.append(event)
        seq = event.cause if event.cause < seq else 0
    return tuple(chain)
