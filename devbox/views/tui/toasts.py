"""What the panel tells in its corner of what happened by itself: notes of the manifest, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from devbox.control.protocol import Changed
from devbox.views.tui.clean import plain
from devbox.views.tui.screen import SHORT
from devbox.views.tui.timeline import is_bad

if TYPE_CHECKING:
    from devbox.views.tui.app import DevboxApp

_QUIET_FOR = 20.0
"""Seconds for which a service that goes on failing makes no second toast."""

_MOST_TOLD = 4
"""Lines of a toast for what went wrong; it must not hide what it is about."""


class Toasts:
    """Tells each note once, and of a service that goes on failing once in a while."""

    def __init__(self, app: DevboxApp) -> None:
        self._app = app
        self._told: set[str] = set()
        self._mourned: dict[str, float] = {}

    def tell(self, notes: Iterable[str]) -> None:
        """Say what was not said before."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self._app.notify(note, timeout=10, markup=False)

    def tell_of(self, frame: Changed) -> None:
        """One toast for all that went wrong just now."""
        words, now = [], self._app.clock()
        for event in frame.events:
            if is_bad(event) and now - self._mourned.get(event.service, 0.0) > _QUIET_FOR:
                self._mourned[event.service] = now
                words.append(f"{event.service} {plain(event.describe())}")
        if len(words) > _MOST_TOLD:
            words[_MOST_TOLD:] = [f"and {len(words) - _MOST_TOLD} more"]
        # Where there is hardly room for the list, its rows tell what is wrong.
        if words and self._app.size.height >= SHORT:
            self._app.notify("\n".join(words), severity="warning", timeout=4, markup=False)
