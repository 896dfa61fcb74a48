"""When a change is acted on: the first of a burst at once, the rest of it together. Pure; times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

QUIET = 0.075
"""Seconds without a change after which a burst (a checkout, a formatter) is over."""

PATIENCE = 5.0
"""Seconds after which what was gathered is acted on though the burst goes on."""


@dataclass(slots=True)
class Burst:
    """The changes that one rule still has to act on. A file that changes twice is gathered once; none is lost.

    `written_at` is when the first of them was written, as the caller tells it.
    """

    pending: dict[str, None] = field(default_factory=dict)
    first_at: float = 0.0
    last_at: float = float("-inf")
    whole_at: float = float("-inf")
    fresh: bool = False

    def add(self, paths: dict[str, None], now: float, *, whole: bool) -> None:
        """More changed. After a quiet time it is a new burst, which is acted on at once.

        Files that are gone (not `whole`) may be on their way back: some editors move the old one away first.
        """
        if not self.pending:
            self.first_at = now
        self.fresh = self.fresh or (whole and now - self.whole_at >= QUIET)
        self.pending.update(paths)
        self.last_at = now
        self.whole_at = now if whole else self.whole_at

    def due(self, *, busy: bool) -> float | None:
        """When to act; None: there is nothing to do, or what is under way comes first."""
        if busy or not self.pending:
            return None
        return self.first_at if self.fresh else min(self.last_at + QUIET, self.first_at + PATIENCE)

    def take(self) -> tuple[str, ...]:
        """What was gathered. It is acted on now."""
        taken, self.pending, self.fresh = tuple(self.pending), {}, False
        return taken
