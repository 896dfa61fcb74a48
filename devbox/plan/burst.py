"""When a change is acted on: the first of a burst at once, the rest of it together. Pure; times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

QUIET = 0.075
"""Seconds without a change after which a burst (a checkout, a formatter) is over."""

PATIENCE = 5.0
"""Seconds after which what was gathered is acted on though the burst goes on."""


@dataclass(slots=True)
class Burst:
    """The changes that one rule still has to act on. A file that changes twice is gathered once; none is lost."""

    pending: dict[str, None] = field(default_factory=dict)
    first_at: float = 0.0
    last_at: float = float("-inf")
    written_at: float = 0.0
    fresh: bool = False

    def add(self, paths: dict[str, None], now: float) -> None:
        """More changed. After a quiet time it is a new burst, which is acted on at once."""
        if not self.pending:
            self.first_at, self.fresh = now, now - self.last_at >= QUIET
        self.pending.update(paths)
        self.last_at = now

    def due(self, *, busy: bool) -> float | None:
        """When to act; None: there is nothing to do, or what is under way comes first."""
        if busy or not self.pending:
            return None
        if self.fresh:
            return self.first_at
        return min(self.last_at + QUIET, self.first_at + PATIENCE)

    def take(self) -> tuple[str, ...]:
        """What was gathered. It is acted on now."""
        taken, self.pending, self.fresh = tuple(self.pending), {}, False
        return taken
