"""The panel as an application: what it hears from the supervisor, what it asks of it, and its screens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import App, SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker

from devbox.control.protocol import (
    Action,
    Changed,
    Command,
    Control,
    Frame,
    Goal,
    Measured,
    PendingChanged,
    Row,
    Snapshot,
)
from devbox.domain.errors import DevboxError
from devbox.views.tui import Quit
from devbox.views.tui.actions import DOING, carry_out, failure, recreation, takeover, ways_to_remake
from devbox.views.tui.asked import Asked
from devbox.views.tui.bindings import binding_ids
from devbox.views.tui.choice import Choice, ChoiceDialog
from devbox.views.tui.clean import plain
from devbox.views.tui.commands import ServiceCommands
from devbox.views.tui.dialogs import HelpScreen, QuitDialog
from devbox.views.tui.found import FoundScreen
from devbox.views.tui.ids import ids_in
from devbox.views.tui.link import lines_before, lines_with, opened, watch
from devbox.views.tui.listing import TINY
from devbox.views.tui.logview import LogView
from devbox.views.tui.mapscreen import MapScreen
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.outside import Program, output_of, run_here, save_lines
from devbox.views.tui.preferences import Preferences
from devbox.views.tui.saved import SavedScreen
from devbox.views.tui.screen import NARROW, SHORT, MeshScreen
from devbox.views.tui.theme import THEMES, default_theme
from devbox.views.tui.timeline import is_bad
from devbox.views.tui.whyscreen import WhyScreen

_COPY = "screen.copy_text"

SOON, LATER = 0.05, 0.5
"""Seconds after which a change of state, and one of mere figures, is drawn together with what else came."""

TAIL = 5000
"""Lines of each service that are read when its log is opened."""

_ASK_EVERY = 2.0
"""Seconds between two answers to what the open tab shows."""

_QUIET_FOR = 20.0
"""Seconds for which a service that goes on failing makes no second toast."""

_MOST_TOLD = 4
"""Lines of a toast for what went wrong; it must not hide what it is about."""

_ANSWERED = ("tab", "older", "found", "commands", "why")
"""Workers that end by themselves, with an answer to show."""

_HOLD = 0.08
"""Seconds for which a line of the table must stay selected before its log is opened."""


class DevboxApp(App[Quit]):
    """The panel on what `control` gives. `clock` tells the time, in seconds since the epoch; `argv` starts devbox."""

    CSS_PATH = Path(__file__).with_name("panel.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (TINY, "-narrow"), (NARROW, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT, "-tall")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {ServiceCommands}
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
        self._control, self._argv = control, argv
        self._preferences = preferences or Preferences()
        self._drawing: Timer | None = None
        self._delay = LATER
        self._moved = False
        self._opening: Timer | None = None
        self._reading: Worker[None] | None = None
        self._told: set[str] = set()
        self._mourned: dict[str, float] = {}
        self._task_run: Worker[None] | None = None

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
        self._tell(self._preferences.problems)
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
        drawn = self._drawing is None and self._opening is None
        return heard and drawn and not waits and (not self.mesh.connected or self.panel.detail.log_view.has_opened)

    # --- what is heard

    def _heard(self, frame: Frame | None) -> None:
        if isinstance(frame, Snapshot):
            self._tell(frame.notes)
            if self._reading is None or self._reading.is_finished:
                self.show_log_soon()
        self._moved = self._moved or not isinstance(frame, Measured)
        if isinstance(frame, Changed):
            self._tell_of(frame)
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

    def _tell(self, notes: Iterable[str]) -> None:
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self.notify(note, timeout=10, markup=False)

    def _tell_of(self, frame: Changed) -> None:
        """One toast for what went wrong just now; a service that goes on failing is told of once in a while."""
        words = []
        for event in frame.events:
            if is_bad(event) and self.clock() - self._mourned.get(event.service, 0.0) > _QUIET_FOR:
                self._mourned[event.service] = self.clock()
                words.append(f"{event.service} {plain(event.describe())}")
        if len(words) > _MOST_TOLD:
            words[_MOST_TOLD:] = [f"and {len(words) - _MOST_TOLD} more"]
        # Where there is hardly room for the list, its rows tell what is wrong.
        if words and self.size.height >= SHORT:
            self.notify("\n".join(words), severity="warning", timeout=4, markup=False)

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

    # --- the log of the selected one

    def show_log_soon(self) -> None:
        """Read the log of what is selected, once it has been selected for a moment."""
        if self._opening is not None:
            self._opening.stop()
        self._opening = self.set_timer(_HOLD, self._show_log)

    def _show_log(self) -> None:
        self._opening = None
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

    def serve_log(self, view: LogView, what: str, lines: list[str]) -> None:
        """Do for a log view what it cannot do itself."""
        match what:
            case "copy":
                self.copy_to_clipboard("\n".join(lines))
                self.notify("Copied", timeout=2)
            case "save":
                self._save(lines)
            case "correlate":
                self._pick_id(ids_in(lines[0]))
            case "older" if view is self.panel.detail.log_view and len(view.buffer):
                self.run_worker(self._read_older(view), group="older", exclusive=True)

    async def _read_older(self, view: LogView) -> None:
        """Put what the log has before its first line above it; nothing where that was the first there ever was."""
        row = self.panel.selected
        # A millisecond more, for lines that were seen together with the first one; those that are here are left out.
        until = view.buffer[view.buffer.first].at + 0.001
        try:
            chunks = await lines_before(self._control, row.service if row else "", until, TAIL)
        except DevboxError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        if row is not None and row.replicas > 1:
            chunks = [chunk for chunk in chunks if chunk.replica == row.replica]
        if not view.put_before(chunks):
            self.notify("This is where the log begins.", timeout=2)

    def _save(self, lines: list[str]) -> None:
        row = self.panel.selected
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.clock()))
        try:
            path = save_lines(lines, f"{row.name if row else self.mesh.project}-{stamp}.log")
        except OSError as error:
            self.notify(f"The log could not be saved: {error}", severity="error", markup=False)
        else:
            self.notify(f"{len(lines):,} lines saved to {path}", timeout=6, markup=False)

    def _pick_id(self, ids: list[str]) -> None:
        if not ids:
            self.notify("This line has no id in it.", markup=False)
        elif len(ids) == 1:
            self.show_found(ids[0])
        else:
            choices = [Choice(each, "123456789abcdefgh"[n], each) for n, each in enumerate(ids)]
            self.push_screen(ChoiceDialog("Which id shall be followed?", choices), self.show_found)

    def show_found(self, text: str | None) -> None:
        """Every line of every service that has a text, in the order of time."""
        if text:
            names = {(each.service, each.replica): each.name for each in self.mesh.rows}
            found = FoundScreen(f"Lines with {text}", names, text)
            self.run_worker(self._find(text, found), group="found", exclusive=True)

    async def _find(self, text: str, found: FoundScreen) -> None:
        await self.push_screen(found)
        try:
            async for chunk in lines_with(self._control, text):
                found.view.feed(chunk)
        except DevboxError as error:
            found.view.say(error.message)
        found.view.flush()
        found.tell(done=True)

    # --- what is asked for

    @property
    def program(self) -> Program:
        """The command line on this mesh."""
        return Program(self._argv, self.mesh.project, self.mesh.files)

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

    def ask_how(self, row: Row) -> None:
        """The restart menu: how a service shall be made anew."""

        def chosen(way: str | None) -> None:
            if way is not None:
                self.remake(row.service, way)

        self.push_screen(ChoiceDialog(f"Restart {row.service}: how?", ways_to_remake(row)), chosen)

    def remake(self, service: str, way: str) -> None:
        """Have a service made anew in one of the ways of the restart menu."""
        by = f"{way} in the panel"
        match way:
            case Action.RESTART | Action.RUN_LOCAL | Action.RUN_CONTAINER:
                self.act(Action(way), service, by)
            case "recreate":
                self.notify(f"Making {service} anew", timeout=2, markup=False)
                self.run_worker(self._carry_out(recreation(service, by)), group="commands")
            case "rebuild":
                self.notify(f"Building the image of {service}", timeout=4, markup=False)
                self.run_worker(self._rebuild(service, by), group="commands")

    async def _rebuild(self, service: str, by: str) -> None:
        said = [line async for line in output_of(self.program.command("build", service))]
        if said[-1:] == ["done"]:
            await self._carry_out(recreation(service, by))
            return
        title = f"Could not build {service}"
        self.notify("\n".join(map(plain, said[-6:])), title=title, severity="error", timeout=15, markup=False)

    def open_shell(self, row: Row) -> None:
        """Leave the terminal to a shell beside a service, and come back when it ends."""
        argv = self.program.command("exec", "--index", str(row.replica), row.service)
        try:
            with self.suspend():
                print(f"\n── a shell beside {row.name}; `exit` comes back to the panel ──", flush=True)
                code = run_here(argv)
        except SuspendNotSupported:
            self.notify(f"There is no terminal to give away here. Use: devbox exec {row.service}", markup=False)
            return
        if code:
            self.notify(f"The shell ended with {code}", timeout=4, markup=False)

    def run_task(self, row: Row, task: str) -> None:
        """Run a task of a service and show what it says; the empty task ends the one that runs."""
        if self._task_run is not None and not self._task_run.is_finished:
            self._task_run.cancel()
        if task:
            lines = output_of(self.program.command("task", row.service, task))
            self._task_run = self.run_worker(self.panel.detail.tasks.follow(row.service, task, lines), group="task")

    def act(self, action: Action, service: str, by: str) -> None:
        """Have something done to a service, and tell how it went."""
        self.notify(f"{DOING[action]} {service}", timeout=2, markup=False)
        self.run_worker(self._carry_out(Command(action, (service,), by=by, goal=Goal.STARTED)), group="commands")

    async def _carry_out(self, command: Command) -> None:
        wrong = await carry_out(self._control, command)
        if wrong:
            self.notify(wrong, title=failure(command), severity="error", timeout=10, markup=False)

    def ask_why(self, service: str) -> None:
        """Show why a service is as it is."""
        self.run_worker(self._why(service), group="why", exclusive=True)

    async def _why(self, service: str) -> None:
        try:
            self.push_screen(WhyScreen(await self._control.why(service)))
        except DevboxError as error:
            self.notify(error.message, severity="error", markup=False)

    # --- keys

    def action_take_over(self) -> None:
        if self.mesh.pending is not None:
            self.notify(f"Taking over {plain(self.mesh.pending.file)}", timeout=2, markup=False)
            self.run_worker(self._carry_out(takeover("a in the panel")), group="commands")

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
