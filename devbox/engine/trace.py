"""The chain of causes behind the state of a mesh: the answer to *why*."""

from __future__ import annotations

from collections.abc import Iterable

from devbox.domain.event import Event
from devbox.engine.journal import Journal

_LONGEST = 30


def chain_of(causes: Iterable[int], journal: Journal) -> tuple[Event, ...]:
    """The events with these numbers, what caused them, and so on back to the first; latest first."""
    found: dict[int, Event] = {}
    for cause in causes:
        seq, length = cause, 0
        while seq and seq not in found and length < _LONGEST and (event := journal.find(seq)) is not None:
            found[seq] = event
            seq, length = event.cause if event.cause < seq else 0, length + 1
    return tuple(found[seq] for seq in sorted(found, reverse=True))
