"""The line of keys that work here and now, from the focused widget outwards."""

from __future__ import annotations

from collections.abc import Iterator

from rich.style import Style
from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from devbox.views.tui.prompt import Prompt
from devbox.views.tui.style import part

FIRST = ("take_over", "show_saved")
"""Actions that are shown first: they are there now and then only, and mean something that just happened."""

LAST = ("app.help", "help", "app.leave", "leave")
"""Actions that are always shown, at the right end."""


def shown_keys(screen: Screen[object]) -> list[tuple[str, str, str]]:
    """(key, how it is written, what it does) of every binding worth a place, each action once.

    Where one types, letters are typed: then only the prompt's own keys are shown.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        typed = isinstance(screen.focused, Input) and not isinstance(active.node, Prompt)
        if binding.show and active.enabled and not typed:
            display = screen.app.get_key_display(binding)
            found.setdefault(binding.action, (binding.key, display, binding.description))
    first = [action for action in FIRST if action in found]
    last = [action for action in found if action in LAST]
    between = [action for action in found if action not in (*first, *last)]
    return [found[action] for action in (*first, *between, *last)]


class KeyBar(Widget):
    """One line; what does not fit is left out whole, `? help` never is. Keys can be clicked."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {"keybar--key", "keybar--does"}  # noqa: RUF012

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._keys: list[tuple[str, str, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)

    def _update(self, screen: Screen[object]) -> None:
        keys = shown_keys(screen)
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> Text:
        keys = self._keys
        ends = [key for key in keys if key[2] in ("help", "quit")]
        text, tail = Text(no_wrap=True), self._line(ends)
        for key in keys:
            piece = self._piece(key)
            if key in ends:
                continue
            if text.cell_len + piece.cell_len + tail.cell_len > self.size.width:
                break
            text.append_text(piece)
        return text.append_text(tail)

    def _line(self, keys: list[tuple[str, str, str]]) -> Text:
        return Text().join(map(self._piece, keys))

    def _piece(self, key: tuple[str, str, str]) -> Text:
        name, display, does = key
        return Text.assemble(*self._parts(display, does), style=Style(meta={"key": name}))

    def on_click(self, event: events.Click) -> None:
        if key := event.style.meta.get("key"):
            self.app.simulate_key(key)

    def _parts(self, display: str, does: str) -> Iterator[tuple[str, Style]]:
        yield f" {display}", part(self, "keybar--key")
        yield f" {does} ", part(self, "keybar--does")
