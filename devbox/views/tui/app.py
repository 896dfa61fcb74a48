"""The panel as an application: what it hears from the supervisor, what it asks of it, and its screens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.timer import Timer

from devbox.control.protocol import (
    Changed,
    Control,
    Frame,
    Measured,
    PendingChanged,
    Row,
    Snapshot,
)
from devbox.domain.errors import DevboxError
from devbox.views.tui import Quit
from devbox.views.tui.asked import Asked
from devbox.views.tui.bindings import binding_ids
from devbox.views.tui.commands import PanelCommands
from devbox.views.tui.deeds import Deeds
from devbox.views.tui.detail import TABS
from devbox.views.tui.dialogs import HelpScreen, QuitDialog
from devbox.views.tui.link import watch
from devbox.views.tui.listing import TINY
from devbox.views.tui.logreader import LogReader
from devbox.views.tui.mapscreen import MapScreen
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.preferences import Preferences
from devbox.views.tui.saved import SavedScreen
from devbox.views.tui.screen import NARROW, SHORT, MeshScreen
from devbox.views.tui.theme import THEMES, default_theme
from devbox.views.tui.timingscreen import TimingsScreen
from devbox.views.tui.toasts import Toasts
from devbox.views.tui.whyscreen import WhyScreen

_COPY = "screen.copy_text"

SOON, LATER = 0.05, 0.5
"""Seconds after which a change of state, and one of mere figures, is drawn together with what else came."""

_TASKS = next(number for number, (tab, _) in enumerate(TABS, 1) if tab == "tasks")
"""The number of the tab with tasks."""

_ASK_EVERY = 2.0
"""Seconds between two answers to what the open tab shows."""

_ANSWERED = ("tab", "older", "found", "commands", "why", "said")
"""Workers that end by themselves, with an answer to show."""


class DevboxApp(App[Quit]):
    """The panel on what `control` gives. `clock` tells the time, in seconds since the epoch; `argv` starts devbox."""

    CSS_PATH = Path(__file__).with_name("panel.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (TINY, "-narrow"), (NARROW, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT, "-tall")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {PanelCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "take_over", "apply", id="apply", tooltip="Take over the manifest that was saved"),
        Binding("A", "show_saved", "what changes", id="saved", tooltip="What the saved manifest would change"),
        Binding(
            "colon,ctrl+p", "command_palette", "commands", key_display=":", id="palette",
            tooltip="Find any command by its name",
        ),
        Binding("question_mark", "help", "help", key_display="?", id="help", tooltip="The keys that work here"),
        Binding("q", "leave", "quit", id="quit", tooltip="Close the panel: leave everything running, or stop it"),
        Binding("ctrl+q", "leave", "quit", show=False, priority=True),
    ]  # fmt: skip

    def __init__(
        self,
        control: Control,
        project: str = "",
        *,
        clock: Callable[[], float] = time.time,
        argv: tuple[str, ...] = ("devbox",),
        preferences: Preferences | None = None,
        as_of: float | None = None,
    ) -> None:
        super().__init__()
        self.title = f"devbox {project}".strip()
        self.mesh = Mesh(project, as_of=as_of)
        self.clock = clock if as_of is None else lambda: as_of
        self.panel = MeshScreen(self.mesh)
        self.asked = Asked()
        self.logs, self.deeds, self.toasts = LogReader(self, control), Deeds(self, control, argv), Toasts(self)
        self._control = control
        self._preferences = preferences or Preferences()
        self._drawing: Timer | None = None
        self._delay = LATER
        self._moved = False

    def on_load(self) -> None:
        """The colours come before anything is drawn: later, every style would be worked out once more."""
        for theme in THEMES:
            self.register_theme(theme)
        wanted = self._preferences.checked(self.available_themes, binding_ids())
        self.theme = wanted.theme or default_theme(self.console.color_system)
        if wanted.keys:
            self.set_keymap(dict(wanted.keys))
        self._preferences = wanted

    def on_mount(self) -> None:
        self.toasts.tell(self._preferences.problems)
        self.push_screen(self.panel)
        self.set_interval(_ASK_EVERY, self._ask_again)
        self.run_worker(watch(self._control, self.mesh, self._heard), group="watch")

    async def on_unmount(self) -> None:
        """Those who listen end first, then the connection that they listen on."""
        self.workers.cancel_all()
        listening = [worker.wait() for worker in self.workers if worker.is_running]
        await asyncio.gather(*listening, return_exceptions=True)
        await self._control.close()

    @property
    def at_rest(self) -> bool:
        """Whether all that was heard is drawn and all that was asked for is here: then pictures are taken."""
        waits = any(worker.group in _ANSWERED and not worker.is_finished for worker in self.workers)
        heard = bool(self.mesh.known or self.mesh.trouble)
        opened = not self.mesh.connected or self.logs.has_opened
        return heard and opened and self._drawing is None and not waits

    # --- what is heard

    def _heard(self, frame: Frame | None) -> None:
        if isinstance(frame, Snapshot):
            self.toasts.tell(frame.notes)
            if not self.logs.is_reading:
                self.logs.show_soon()
        self._moved = self._moved or not isinstance(frame, Measured)
        if isinstance(frame, Changed):
            self.toasts.tell_of(frame)
        elif isinstance(frame, PendingChanged):
            self.ask_for_tab()
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
        if not self.is_running:  # while it closes, its parts have lost their styles already
            return
        self.panel.draw()
        if self._moved:
            self._moved = False
            self.screen.refresh_bindings()

    # --- what the open tab shows

    def ask_for_tab(self) -> None:
        """Ask the supervisor for what the open tab shows, and show it once it has answered."""
        tab, row = self.panel.detail.tab, self.panel.selected
        if row is not None and tab in ("health", "metrics", "config") and self.mesh.connected:
            self.run_worker(self._ask(tab, row), group="tab", exclusive=True)

    def _ask_again(self) -> None:
        """Ask once more for what goes on changing; the manifest is read again when it was saved, not all the time."""
        if self.panel.detail.tab != "config" or self.asked.values_of(self.panel.selected) is None:
            self.ask_for_tab()

    async def _ask(self, tab: str, row: Row) -> None:
        await self.asked.ask(self._control, tab, row)
        if self.is_running:
            self.panel.draw_detail()

    # --- what is shown

    def open_tab(self, name: str, number: int) -> None:
        """Select a replica and show one of its tabs, on the whole width."""
        self.panel.filter.clear()
        self.panel.draw()
        self.panel.table.select(name)
        self.panel.open_tab(number)

    def show_map(self) -> None:
        """The map of the mesh; a service that is chosen on it is selected in the list."""
        row = self.panel.selected
        self.push_screen(MapScreen(self.mesh, row.service if row else ""), self._chosen_on_map)

    def _chosen_on_map(self, service: str | None) -> None:
        row = next((row for row in self.mesh.rows if row.service == service), None)
        if row is not None:
            self.panel.filter.clear()
            self.panel.draw()
            self.panel.table.select(row.name)

    def run_task(self, row: Row, task: str) -> None:
        """Go to the tasks of a service, and run one."""
        self.open_tab(row.name, _TASKS)
        self.deeds.run_task(row, task)

    def ask_why(self, service: str) -> None:
        """Show why a service is as it is."""
        self.run_worker(self._why(service), group="why", exclusive=True)

    async def _why(self, service: str) -> None:
        try:
            self.push_screen(WhyScreen(await self._control.why(service)))
        except DevboxError as error:
            self.notify(error.message, severity="error", markup=False)

    def show_timings(self) -> None:
        """Show where the seconds of the last start went."""
        self.run_worker(self._timings(), group="why", exclusive=True)

    async def _timings(self) -> None:
        try:
            self.push_screen(TimingsScreen(await self._control.timings()))
        except DevboxError as error:
            self.notify(error.message, severity="error", markup=False)

    # --- keys

    def action_take_over(self) -> None:
        self.deeds.take_over("a in the panel")

    def action_show_saved(self) -> None:
        if self.mesh.pending is not None:
            self.push_screen(SavedScreen(self.mesh.pending), lambda take: self.action_take_over() if take else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        pending = self.mesh.pending
        match action:
            case "take_over":
                return pending is not None and not pending.problems
            case "show_saved":
                return pending is not None
        return super().check_action(action, parameters)

    def action_help(self) -> None:
        if isinstance(self.screen, HelpScreen):
            return
        active = self.screen.active_bindings.values()
        here = [each for each in active if each.node is self.focused]
        everywhere = [each for each in active if each.node is not self.focused and each.binding.action != _COPY]
        self.push_screen(HelpScreen("list" if self.focused is self.panel.table else "details", here, everywhere))

    def action_leave(self) -> None:
        if self.mesh.as_of is not None:
            self.exit(Quit.LEAVE_RUNNING)
        elif not isinstance(self.screen, QuitDialog):
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
