"""The panel with hands on its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

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


class Hands:
    """A panel that runs, what it draws, and what was asked of its control."""

    def __init__(self, control: ScriptedControl, pilot: Pilot[Quit]) -> None:
        self.control, self.pilot = control, pilot
        self.app: DevboxApp = pilot.app  # type: ignore[assignment]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause(0.02)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until it holds; fail after three seconds."""
        for _ in range(150):
            if holds():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"never came to be; the screen:\n{self.text()}")

    async def type_in_palette(self, key: str, words: str) -> None:
        """Open the palette and type until it offers just what was typed."""
        await self.press(key)
        await self.until(lambda: "Search for commands" in self.text())
        await self.press(*("space" if letter == " " else letter for letter in words))
        await self.until(lambda: self.text().count(words) == 2)

    async def go_to(self, name: str) -> None:
        """Select a replica with the keys one would use, and see its log read."""
        for _ in range(60):
            if self.table.selected == name:
                break
            await self.pilot.press("j")
        service = self.app.mesh.row(name)
        assert service is not None
        await self.until(lambda: self.control.read_logs[-1:] == [(service.service,)])

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
        lines = self.screen._compositor.render_strips(self.app.size)
        assert len(lines) <= height
        assert all(line.cell_length <= width for line in lines)
        return "\n".join(line.text.rstrip() for line in lines)


@asynccontextmanager
async def panel(
    control: ScriptedControl | None = None,
    size: tuple[int, int] = (120, 40),
    *,
    argv: tuple[str, ...] = ("devbox",),
    preferences: Preferences | None = None,
    as_of: float | None = None,
) -> AsyncIterator[Hands]:
    """The panel on a control, by default on the healthy hello mesh, once it has drawn its first rows."""
    control = control or scenes.healthy()
    app = DevboxApp(control, "hello", clock=lambda: NOW, argv=argv, preferences=preferences, as_of=as_of)
    async with app.run_test(size=size) as pilot:
        hands = Hands(control, pilot)
        await hands.until(lambda: hands.app.mesh.known or not control.up)
        await hands.until(lambda: control.read_logs or not control.up)
        await pilot.pause(0.1)
        yield hands
