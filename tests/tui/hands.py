"""The panel with hands on its keys.

Nothing here waits by the clock: after each key until everything is handled and drawn, and for whatever takes its time
until it is so.
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual import events
from textual._context import visible_screen_stack
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.screen import Screen

from devbox.control.protocol import Action
from devbox.views.tui import Quit
from devbox.views.tui.app import DevboxApp
from devbox.views.tui.keybar import shown_keys
from devbox.views.tui.logview import LogView
from devbox.views.tui.preferences import Preferences
from devbox.views.tui.screen import MeshScreen
from devbox.views.tui.table import ServiceTable
from tests.tui import scenes
from tests.tui.mesh import NOW, ScriptedControl

PATIENCE = 20.0
"""Seconds after which something that does not come to be is a failure, on the busiest machine."""


class Hands:
    """A panel that runs, what it draws, and what was asked of its control."""

    def __init__(self, control: ScriptedControl, pilot: Pilot[Quit]) -> None:
        self.control, self.pilot = control, pilot
        self.app: DevboxApp = pilot.app  # type: ignore[assignment]

    async def press(self, *keys: str) -> None:
        """Press keys, each once the one before has done all it does."""
        for key in keys:
            self.app.post_message(_pressed(key))
            await self.quiet()

    async def walk(self, *keys: str) -> None:
        """Press keys that lead somewhere, each once all there is to see is there: what a key does may hang on that."""
        for key in keys:
            await self.at_rest()
            await self.press(key)

    async def quiet(self) -> None:
        """Wait until every message is handled and whatever it changed is drawn."""
        end = time.monotonic() + PATIENCE
        while self.app.is_running:
            await self.pilot._wait_for_screen(PATIENCE)
            await self.app.animator.wait_until_complete()
            if not self.app.is_running:
                return
            self.screen._on_timer_update()
            if not self._busy():
                return
            assert time.monotonic() < end, f"it is never quiet; the screen:\n{self.text()}"
            await asyncio.sleep(0)

    def _busy(self) -> bool:
        screen = self.screen
        return bool(
            screen._dirty_widgets
            or screen._layout_required
            or screen._callbacks
            or any(
                pump._message_queue.qsize() or pump._pending_message or pump._next_callbacks
                for pump in (self.app, *screen.walk_children(with_self=True))
            )
        )

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until it holds."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"never came to be; the screen:\n{self.text()}"
            await asyncio.sleep(0.005)
            await self.quiet()

    async def at_rest(self) -> None:
        """Wait until the panel has drawn all there is: whatever was told it is taken in, whatever it asked for is here.

        It still listens.
        """
        await self.until(lambda: self.control.delivered and self.app.at_rest)
        await self.quiet()

    async def resize(self, width: int, height: int) -> None:
        """Make the terminal larger or smaller, and see everything drawn anew."""
        await self.pilot.resize_terminal(width, height)
        await self.at_rest()

    async def type_in_palette(self, key: str, words: str) -> None:
        """Open the palette and type until it offers just what was typed."""
        await self.press(key)
        await self.until(lambda: "Search for commands" in self.text())
        await self.press(*("space" if letter == " " else letter for letter in words))
        await self.until(lambda: self.text().count(words) == 2)

    async def go_to(self, name: str) -> None:
        """Select a replica with the keys one would use, and see its log drawn."""
        for _ in range(60):
            if self.table.selected == name:
                break
            await self.press("j")
        service = self.app.mesh.row(name)
        assert service is not None
        await self.until(lambda: self.control.read_logs[-1:] == [(service.service,)])
        await self.at_rest()

    @property
    def screen(self) -> Screen[object]:
        return self.app.screen

    @property
    def panel(self) -> MeshScreen:
        return self.app.panel

    @property
    def table(self) -> ServiceTable:
        return self.panel.table

    @property
    def log(self) -> LogView:
        return self.panel.detail.log_view

    @property
    def done(self) -> list[tuple[Action, tuple[str, ...], str]]:
        """The commands that reached the control."""
        return [(command.action, command.services, command.by) for command in self.control.commands]

    @property
    def toasts(self) -> list[tuple[str, str]]:
        return [(notice.severity, notice.message) for notice in self.app._notifications]

    def keys(self) -> dict[str, str]:
        """The footer: key to what it says it does."""
        return {key: does for key, _, does in shown_keys(self.screen)}

    def text(self) -> str:
        """The screen as plain text."""
        width, height = self.app.size
        visible_screen_stack.set(self.app._background_screens)
        lines = self.screen._compositor.render_strips(self.app.size)
        assert len(lines) <= height
        assert all(line.cell_length <= width for line in lines)
        return "\n".join(line.text.rstrip() for line in lines)


def _pressed(key: str) -> events.Key:
    """The event of a key, named as Textual names it or given as its character."""
    if len(key) == 1 and not key.isalnum():
        key = _character_to_key(key)
    try:
        character: str | None = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(key, key)))
    except KeyError:
        character = key if len(key) == 1 else None
    return events.Key(key, character)


@asynccontextmanager
async def panel(
    control: ScriptedControl | None = None,
    size: tuple[int, int] = (120, 40),
    *,
    argv: tuple[str, ...] = ("devbox",),
    preferences: Preferences | None = None,
    as_of: float | None = None,
    toasts: bool = False,
) -> AsyncIterator[Hands]:
    """The panel on a control, by default on the healthy hello mesh, once it has drawn its first rows.

    `toasts` are drawn only where they are wanted: they go away by the clock.
    """
    control = control or scenes.healthy()
    preferences = preferences or Preferences(theme="devbox")  # whatever the terminal of the tests can show
    app = DevboxApp(control, "hello", clock=lambda: NOW, argv=argv, preferences=preferences, as_of=as_of)
    async with app.run_test(size=size, notifications=toasts) as pilot:
        hands = Hands(control, pilot)
        await hands.until(lambda: hands.app.mesh.known or not control.up)
        await hands.until(lambda: control.read_logs or not control.up)
        if control.up:
            await hands.at_rest()
        yield hands
