"""The panel's one screen: services on the left, the chosen one's logs and events on the right."""

from __future__ import annotations

import asyncio
import time
import webbrowser
from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer, Input, RichLog, Static, TabbedContent, TabPane

from devbox.control.protocol import Action, Bye, Command, Control, Goal, Row
from devbox.domain.errors import DevboxError
from devbox.domain.event import Event
from devbox.domain.spec import UnitKey
from devbox.domain.status import Intent
from devbox.views.tui import Quit
from devbox.views.tui.dialogs import QuitDialog, TextDialog
from devbox.views.tui.logview import LogView
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.table import ServiceTable, memory
from devbox.views.why import explanation
from devbox.views.words import icon

_TAIL = 2000
_RECONNECT_EVERY = 1.0
_NARROW, _TINY, _SHORT = 100, 60, 20
_TROUBLES_SHOWN = 5


class DevboxApp(App[Quit]):
    """The panel on one mesh, as its Control shows it."""

    CSS_PATH = "panel.tcss"
    TITLE = "devbox"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("q", "leave", "quit"),
        Binding("ctrl+q", "leave", "quit", show=False),
        Binding("escape", "back", "back", show=False),
        Binding("colon", "command_palette", "palette", show=False),
    ]

    def __init__(self, control: Control, project: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._control, self._clock = control, clock
        self._mesh = Mesh(project)
        self._filter = ""
        self._chosen: UnitKey | None = None
        self._all = False
        self._asking = ""

    def compose(self) -> ComposeResult:
        yield Static(id="top")
        yield Static(id="banner")
        with Horizontal(id="body"):
            with Vertical(id="list"):
                yield ServiceTable(id="services")
                yield Static("Connecting to the supervisor…", id="empty")
                yield Static(id="troubles")
            with Vertical(id="detail"), TabbedContent(id="tabs"):
                with TabPane("Logs", id="logs-tab"):
                    yield LogView(id="logs")
                with TabPane("Events", id="events-tab"):
                    yield RichLog(id="events", wrap=True, max_lines=1000)
        yield Input(id="ask", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        self.theme = "textual-dark"
        self._services.focus()
        self.set_interval(1.0, self._refresh_list)
        self._follow_mesh()

    # --- what comes in

    @work(group="mesh")
    async def _follow_mesh(self) -> None:
        while True:
            try:
                async for frame in self._control.frames():
                    if isinstance(frame, Bye):
                        break
                    self._banner("")
                    self._mesh.take(frame)
                    self._show_events(getattr(frame, "events", ()))
                    self._refresh_list()
                    if self._chosen is None and not self._all:
                        self._choose_first()
            except DevboxError as error:
                self._banner(f"{error.message}. {error.hint}")
            else:
                self._banner(f"{self._mesh.project} was taken down. `devbox up` starts it again; q leaves.")
            await asyncio.sleep(_RECONNECT_EVERY)

    @work(group="logs", exclusive=True)
    async def _follow_logs(self, services: tuple[str, ...], replica: int | None) -> None:
        try:
            async for chunk in self._control.logs(services, tail=_TAIL, follow=True):
                if replica is None or chunk.replica == replica:
                    self._logs.add(chunk)
        except DevboxError as error:
            self._banner(f"{error.message}. {error.hint}")

    # --- what is shown

    @property
    def _services(self) -> ServiceTable:
        return self.screen_stack[0].query_one(ServiceTable)

    @property
    def _logs(self) -> LogView:
        return self.screen_stack[0].query_one(LogView)

    def _static(self, name: str) -> Static:
        return self.screen_stack[0].query_one(f"#{name}", Static)

    def _refresh_list(self) -> None:
        rows = self._mesh.listed(self._filter)
        self._services.show(rows, self._mesh.samples, self._clock())
        self._static("top").update(self._headline())
        self._show_troubles()
        empty = self._static("empty")
        empty.display = not rows
        if self._filter:
            empty.update(f"No services match '{self._filter}'. Esc clears.")
        elif self._mesh.loaded:
            empty.update("The manifest has no services yet.")

    def _headline(self) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f" {self._mesh.project} ", "bold reverse")
        for state, count in self._mesh.counts():
            text.append(f"  {icon(state)} {count} {state}")
        if self._mesh.samples:
            total = self._mesh.total()
            text.append(f"   cpu {total.cpu:.0f}%  mem {memory(total.memory)}", "dim")
        return text

    def _show_troubles(self) -> None:
        rows = self._mesh.unwell()
        text = Text(overflow="fold")
        for row in rows[:_TROUBLES_SHOWN]:
            text.append(f"{icon(row.state)} {row.name}", "bold")
            text.append(f" {row.note}\n")
        if len(rows) > _TROUBLES_SHOWN:
            text.append(f"and {len(rows) - _TROUBLES_SHOWN} more", "dim")
        text.rstrip()
        self._static("troubles").update(text)
        self._static("troubles").display = bool(rows)

    def _show_events(self, events: Iterable[Event]) -> None:
        log = self.screen_stack[0].query_one("#events", RichLog)
        for event in events:
            if self._all or self._chosen is None or event.service in ("", self._chosen.service):
                log.write(_event_line(event, named=self._all))

    def _banner(self, words: str) -> None:
        banner = self._static("banner")
        banner.update(words)
        banner.display = bool(words)

    # --- choosing

    def _choose_first(self) -> None:
        if (key := self._services.chosen) is not None:
            self._choose(key)

    @on(ServiceTable.Chosen)
    def _on_chosen(self, message: ServiceTable.Chosen) -> None:
        if not self._all:
            self._choose(message.key)

    def _choose(self, key: UnitKey) -> None:
        if key == self._chosen and not self._all:
            return
        self._chosen, self._all = key, False
        row = self._mesh.rows.get(key)
        several = row is not None and row.replicas > 1
        self._show_logs_of(row.name if row else key.service, (key.service,), key.replica if several else None)

    def _show_logs_of(self, what: str, services: tuple[str, ...], replica: int | None) -> None:
        self._logs.show(what, names=not services)
        self._follow_logs(services, replica)
        self.screen_stack[0].query_one("#events", RichLog).clear()
        self._show_events(self._mesh.events)

    def _row(self) -> Row | None:
        key = self._services.chosen
        return self._mesh.rows.get(key) if key is not None else None

    # --- keys

    def action_restart(self) -> None:
        """Restart the chosen service."""
        if (row := self._row()) is not None:
            self._command(Action.RESTART, row.service, "r in the panel", "restarting")

    def action_stop_or_start(self) -> None:
        """Stop the chosen service if it is wanted, start it if not."""
        if (row := self._row()) is None:
            return
        if row.status.intent is Intent.RUN and row.state not in ("failed", "completed"):
            self._command(Action.STOP, row.service, "s in the panel", "stopping")
        else:
            self._command(Action.START, row.service, "s in the panel", "starting")

    @work(group="commands")
    async def _command(self, action: Action, service: str, by: str, words: str) -> None:
        self.notify(f"{words} {service}")
        try:
            verdict = await self._control.command(Command(action, (service,), by=by, goal=Goal.STARTED))
        except DevboxError as error:
            self.notify(error.message, severity="error")
            return
        for unmet in verdict.unmet:
            self.notify(f"{unmet.service}: {unmet.reason}", severity="error")

    @work(group="why", exclusive=True)
    async def action_why(self) -> None:
        """Say why the chosen service is as it is."""
        if (row := self._row()) is None:
            return
        try:
            why = await self._control.why(row.service)
        except DevboxError as error:
            self.notify(error.message, severity="error")
            return
        self.push_screen(TextDialog(f"why {row.service}", explanation(why, colour=False)))

    def action_merged(self) -> None:
        """Show the logs of everything."""
        self._all = True
        self._show_logs_of("all services", (), None)

    def action_open_logs(self) -> None:
        """Give the whole screen to the logs of the chosen service."""
        if self._all and (key := self._services.chosen) is not None:
            self._choose(key)
        self.screen_stack[0].add_class("detail-open")
        self._logs.focus()

    def action_open_browser(self) -> None:
        """Open the chosen service in a browser."""
        if (row := self._row()) is None:
            return
        url = row.url or (f"http://127.0.0.1:{row.ports[0].published}" if row.ports else "")
        if not url:
            self.notify(f"{row.name} has no address to open")
            return
        self.notify(f"opening {url}")
        webbrowser.open(url)

    async def action_back(self) -> None:
        """Undo the last narrowing: a question, full screen logs, a filter, the merged log."""
        ask = self.screen_stack[0].query_one("#ask", Input)
        if ask.display:
            self._stop_asking()
        elif self.screen_stack[0].has_class("detail-open"):
            self.screen_stack[0].remove_class("detail-open")
            self._services.focus()
        elif self._logs.has_focus:
            self._services.focus()
        elif self._filter:
            self._filter = ""
            self._refresh_list()
        elif self._all:
            self._all, self._chosen = False, None
            self._choose_first()

    def action_filter(self) -> None:
        """Show only services whose name or state has a text in it."""
        self._ask("filter", "filter services: part of a name or a state")

    def action_search(self) -> None:
        """Look for a regular expression in the logs shown."""
        self._ask("search", "search the logs: a regular expression")

    def action_help(self) -> None:
        """List the keys that work here."""
        self.push_screen(TextDialog("keys", self._keys()))

    @work(group="quit", exclusive=True)
    async def action_leave(self) -> None:
        """Ask what is to become of the mesh, and leave."""
        running = sum(1 for row in self._mesh.rows.values() if row.pid)
        if not running:
            self.exit(Quit.LEAVE_RUNNING)
            return
        choice = await self.push_screen_wait(QuitDialog(self._mesh.project, running))
        if choice is not None:
            self.exit(choice)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: what Textual has, and every service with what can be done to it."""
        yield from super().get_system_commands(screen)
        for row in self._mesh.listed():
            key = UnitKey(row.service, row.replica)
            yield SystemCommand(f"Logs of {row.name}", "show its logs", lambda key=key: self._choose(key))
            for action in (Action.RESTART, Action.STOP, Action.START):
                yield SystemCommand(
                    f"{action.value.capitalize()} {row.name}",
                    f"{action.value} this service",
                    lambda action=action, row=row: self._command(action, row.service, "the palette", f"{action.value}"),
                )

    # --- asking for a text

    def _ask(self, what: str, placeholder: str) -> None:
        ask = self.screen_stack[0].query_one("#ask", Input)
        self._asking = what
        ask.placeholder = placeholder
        ask.value = self._filter if what == "filter" else ""
        ask.display = True
        ask.focus()

    @on(Input.Changed, "#ask")
    def _on_typed(self, event: Input.Changed) -> None:
        if self._asking == "filter":
            self._filter = event.value
            self._refresh_list()

    @on(Input.Submitted, "#ask")
    def _on_entered(self, event: Input.Submitted) -> None:
        if self._asking == "search":
            self._logs.search(event.value)
        self._stop_asking()

    def _stop_asking(self) -> None:
        ask = self.screen_stack[0].query_one("#ask", Input)
        asked, self._asking = self._asking, ""
        ask.display = False
        (self._logs if asked == "search" else self._services).focus()

    # --- small things

    def on_resize(self, event: Resize) -> None:
        screen = self.screen_stack[0]
        screen.set_class(event.size.width < _NARROW, "narrow")
        screen.set_class(event.size.width < _TINY, "tiny")
        screen.set_class(event.size.height < _SHORT, "short")
        self._services.set_narrow(event.size.width < _TINY)

    def _keys(self) -> str:
        """The keys of the focused widget and of the panel, as they are bound."""
        lines = []
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            if enabled and binding.description and not binding.system:
                lines.append(f"{self.get_key_display(binding):>8}  {tooltip or binding.description}")
        return "\n".join(dict.fromkeys(lines))


def _event_line(event: Event, *, named: bool) -> Text:
    at = time.strftime("%H:%M:%S", time.localtime(event.at))
    text = Text.assemble((f"{at} ", "dim"))
    if named and event.service:
        text.append(f"{event.service} ", "bold")
    return text.append(event.describe())
