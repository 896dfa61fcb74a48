"""How a start went: where its seconds were spent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """How the start of one replica went. Seconds each, in this order; `total` counts from the word to start.

    `waiting` is the time in which nothing was done for it, for the sake of `waited_for` (empty: of nothing that is
    known). One that is not `ready` did not get there yet: its `total` ends with the last that is known of it.
    """

    service: str
    replica: int
    waiting: float
    prepare: float
    start: float
    until_ready: float
    total: float
    ready: bool
    waited_for: str = ""


@dataclass(frozen=True, slots=True)
class Timings:
    """The last start: every replica it touched, and the chain of services that decided how long the whole took."""

    at: float
    seconds: float
    services: tuple[Timing, ...]
    chain: tuple[str, ...]
