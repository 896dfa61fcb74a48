"""How far something is, as lines of text: each new thing that is said, and in between a figure now and then."""

from __future__ import annotations

from collections.abc import Collection

from devbox.domain.event import Event, Progress
from devbox.views.words import size

_FIGURE_EVERY = 3.0
"""Seconds between two lines that differ in their figure alone."""


class Pace:
    """Decides which reports are worth a line. Of a big layer of an image many come that say next to nothing new."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, float]] = {}

    def line(self, step: str, text: str, done: int | None, total: int | None, now: float) -> str | None:
        """The line for a report on a step at `now` (seconds); None where it is not worth one."""
        before, at = self._said.get(step, ("", 0.0))
        if text == before and (total is None or now - at < _FIGURE_EVERY):
            return None
        self._said[step] = (text, now)
        return f"{text}  {size(done or 0)} of {size(total)}" if total else text

    def lines(self, events: Collection[Event]) -> list[tuple[str, str]]:
        """The services of which something new is said, each with the line."""
        found = []
        for event in events:
            if isinstance(event.body, Progress):
                body = event.body
                line = self.line(body.step, body.text, body.done, body.total, event.at)
                if line is not None:
                    found.append((event.service, line))
        return found
