"""The panel as an application: what it hears from the supervisor, what it asks of it, and its screens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker

from devbox.control.protocol import Action, Control, Frame, Measured, Snapshot
from devbox.domain.errors import DevboxError
from devbox.views.tui import Quit
from devbox.views.tui.actions import DOING, carry_out
from devbox.views.tui.commands import ServiceCommands
from devbox.views.tui.dialogs import HelpScreen, QuitDialog
from devbox.views.tui.link import opened, watch
from devbox.views.tui.listing import TINY
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.screen import NARROW, SHORT, MeshScreen
from devbox.views.tui.theme import THEMES
from devbox.views.tui.whyscreen import WhyScreen

_COPY = "screen.copy_text"

SOON, LATER = 0.05, 0.5
"""Seconds after which a change of state, and one of mere figures, is drawn together with what else came."""

TAIL = 5000
"""Lines of each service that are read when its log is opened."""

_HOLD = 0.08
"""Seconds for which a line of the table must stay selected before its log is opened."""


class DevboxApp(App[Quit]):
    """The panel on what `control` gives. `clock` tells the time, in seconds since the epoch."""

    CSS_PATH = Path(__file__).with_name("panel.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (TINY, "-narrow"), (NARROW, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT, "-tall")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {ServiceCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon,ctrl+p", "command_palette", "commands", key_display=":", tooltip="Find any command by its name"),
        Binding("question_mark", "help", "help", key_display="?", tooltip="The keys that work here"),
        Binding("q", "leave", "quit", tooltip="Close the panel: leave everything running, or stop it"),
        Binding("ctrl+q", "leave", "quit", show=False, priority=True),
    ]

    def __init__(self, control: Control, project: str = "", *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.title = f"devbox {project}".strip()
        self.mesh = Mesh(project)
        self.clock = clock
        self.panel = MeshScreen(self.mesh)
        self._control = control
        self._drawing: Timer | None = None
        self._delay = LATER
        self._opening: Timer | None = None
        self._reading: Worker[None] | None = None
        self._told: set[str] = set()

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        self.push_screen(self.panel)
        self.run_worker(watch(self._control, self.mesh, self._heard), group="watch")

    async def on_unmount(self) -> None:
        await self._control.close()

    # --- what is heard

    def _heard(self, frame: Frame | None) -> None:
        if isinstance(frame, Snapshot):
            self._tell(frame.notes)
            if self._reading is None or self._reading.is_finished:
                self.show_log_soon()
        self._draw_in(LATER if isinstance(frame, Measured) else SOON)

    def _draw_in(self, delay: float) -> None:
        """Draw once, at the end of the delay, however much comes until then."""
        if self._drawing is not None:
            if delay >= self._delay:
                return
            self._drawing.stop()
        self._drawing, self._delay = self.set_timer(delay, self._draw), delay

    def _draw(self) -> None:
        self._drawing = None
        self.panel.draw()
        self.panel.refresh_bindings()

    def _tell(self, notes: Iterable[str]) -> None:
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self.notify(note, timeout=10, markup=False)

    # --- the log of the selected one

    def show_log_soon(self) -> None:
        """Read the log of what is selected, once it has been selected for a moment."""
        if self._opening is not None:
            self._opening.stop()
        self._opening = self.set_timer(_HOLD, self._show_log)

    def _show_log(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        row = self.panel.selected
        names = {(each.service, each.replica): each.name for each in self.mesh.rows}
        self.panel.detail.log_view.begin(merged=row is None, names=names)
        replica = row.replica if row is not None and row.replicas > 1 else None
        self._reading = self.run_worker(self._read((row.service,) if row else (), replica), group="log")

    async def _read(self, services: tuple[str, ...], replica: int | None) -> None:
        view = self.panel.detail.log_view
        words = self.set_timer(0.3, lambda: view.say("Nothing has been logged yet."))
        try:
            async with opened(self._control.logs(services, tail=TAIL, follow=True)) as chunks:
                async for chunk in chunks:
                    if replica in (None, chunk.replica):
                        view.feed(chunk)
        except DevboxError as error:
            view.say(error.message)
        except ValueError as error:
            view.say(f"The supervisor speaks another version: {error}")
        finally:
            words.stop()

    def open_log(self, name: str) -> None:
        """Select a replica and show its log."""
        self.panel.filter.clear()
        self.panel.draw()
        self.panel.table.select(name)
        self.panel.action_open()

    # --- what is asked for

    def act(self, action: Action, service: str, by: str) -> None:
        """Have something done to a service, and tell how it went."""
        self.notify(f"{DOING[action]} {service}", timeout=2, markup=False)
        self.run_worker(self._carry_out(action, service, by), group="commands")

    async def _carry_out(self, action: Action, service: str, by: str) -> None:
        wrong = await carry_out(self._control, action, service, by)
        if wrong:
            self.notify(wrong, title=f"Could not {action} {service}", severity="error", timeout=10, markup=False)

    def ask_why(self, service: str) -> None:
        """Show why a service is as it is."""
        self.run_worker(self._why(service), group="why", exclusive=True)

    async def _why(self, service: str) -> None:
        try:
            self.push_screen(WhyScreen(await self._control.why(service)))
        except DevboxError as error:
            self.notify(error.message, severity="error", markup=False)

    # --- keys

    def action_help(self) -> None:
        if isinstance(self.screen, HelpScreen):
            return
        active = self.screen.active_bindings.values()
        here = [each for each in active if each.node is self.focused]
        everywhere = [each for each in active if each.node is not self.focused and each.binding.action != _COPY]
        self.push_screen(HelpScreen("list" if self.focused is self.panel.table else "details", here, everywhere))

    def action_leave(self) -> None:
        if not isinstance(self.screen, QuitDialog):
            self.push_screen(QuitDialog(self.mesh.project), self._leave)

    async def action_quit(self) -> None:
        self.action_leave()

    def action_help_quit(self) -> None:
        """What Ctrl-C means: it never ends a panel by accident, and never does nothing."""
        self.action_leave()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield SystemCommand("theme", "Choose the colours", self.action_change_theme)
        yield SystemCommand("help", "The keys that work here", self.action_help)
        yield SystemCommand("quit", "Close the panel", self.action_leave)

    def _leave(self, choice: Quit | None) -> None:
        if choice is not None:
            self.exit(choice)
