"""When a change is acted on: the first of a burst at once, the rest of it together. Pure; times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

QUIET = 0.075
"""Seconds without a change after which a burst is over."""

LONG_QUIET, MANY = 0.3, 50
"""The same for a burst of many files (a checkout): nobody waits for the first of them, and its writer may falter."""

SETTLE = 0.02
"""Seconds that a new file is given to become what it is meant to be: many editors write one beside, then rename it."""

PATIENCE = 5.0
"""Seconds after which what was gathered is acted on though the burst goes on."""

_LONG_AGO, _NEVER = float("-inf"), float("inf")


class Kind(Enum):
    """What became of a file: it was there and is, it was not there and is, it was there and is not."""

    WRITTEN = "written"
    CAME = "came"
    GONE = "gone"

    def then(self, later: Kind) -> Kind | None:
        """Both together; None: it came and went, which nobody needs to know."""
        if later is Kind.GONE:
            return None if self is Kind.CAME else later
        return Kind.CAME if self is Kind.CAME else Kind.WRITTEN


Changes = dict[str, Kind]


def note(changes: Changes, path: str, kind: Kind) -> None:
    """One more change of a file."""
    before = changes.get(path)
    both = kind if before is None else before.then(kind)
    if both is None:
        del changes[path]
    else:
        changes[path] = both


@dataclass(slots=True)
class Burst:
    """The changes that one rule still has to act on. A file that changes twice is gathered once; none is lost.

    `acted` is what files held, as numbers, when they were last acted on: where they hold it again, nothing changed.
    """

    pending: Changes = field(default_factory=dict)
    acted: dict[str, int] = field(default_factory=dict)
    _contents: dict[str, int | None] = field(default_factory=dict)
    _first_at: float = 0.0
    _last_at: float = _LONG_AGO
    _written_at: float = _LONG_AGO
    _came_at: float = _LONG_AGO
    _soon: float = _NEVER
    _size: int = 0

    def add(self, changes: Changes, contents: dict[str, int], now: float, *, compare: bool) -> None:
        """More changed. After a quiet time it is a new burst, whose first change need not wait for the others.

        Files that are gone may be on their way back: some editors move the old one away first. With `compare`, those
        that hold what they held are left out; what is not in `contents` is not compared.
        """
        before = bool(self.pending)
        kinds = {self._note(path, kind, contents.get(path), compare) for path, kind in changes.items()} - {None}
        if not self.pending:
            self._soon = _NEVER
            return
        self._first_at = self._first_at if before else now
        quiet = self._quiet
        if kinds:
            self._size = len(changes) + (self._size if now - self._last_at < quiet else 0)
            self._last_at = now
        if Kind.WRITTEN in kinds:
            self._hurry(now, now - self._written_at >= quiet)
            self._written_at = now
        if Kind.CAME in kinds:
            self._hurry(now + SETTLE, now - max(self._written_at, self._came_at) >= quiet)
            self._came_at = now

    @property
    def _quiet(self) -> float:
        return QUIET if self._size < MANY else LONG_QUIET

    def _note(self, path: str, kind: Kind, content: int | None, compare: bool) -> Kind | None:
        """What it is now, all in all; None where that is no change."""
        if compare and content is not None and content == self.acted.get(path):
            self.pending.pop(path, None)
            return None
        note(self.pending, path, kind)
        self._contents[path] = content
        return self.pending.get(path)

    def _hurry(self, at: float, new: bool) -> None:
        if new:
            self._soon = min(self._soon, at)

    def due(self, *, busy: bool) -> float | None:
        """When to act; None: there is nothing to do, or what is under way comes first."""
        if busy or not self.pending:
            return None
        return min(self._soon, self._last_at + self._quiet, self._first_at + PATIENCE)

    def take(self) -> tuple[str, ...]:
        """What was gathered. It is acted on now."""
        taken = tuple(self.pending)
        self.settle(taken)
        self._contents, self._soon = {}, _NEVER
        # A file that came and was acted on is the first of its burst as much as one that was written.
        self._written_at = max(self._written_at, self._came_at)
        return taken

    def settle(self, paths: tuple[str, ...]) -> None:
        """These are acted on, by whomever."""
        for path in paths:
            if self.pending.pop(path, None) is None:
                continue
            content = self._contents.pop(path, None)
            if content is None:
                self.acted.pop(path, None)
            else:
                self.acted[path] = content
