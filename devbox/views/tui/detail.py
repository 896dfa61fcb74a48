"""The right side: what is known of the selected one, in tabs."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from devbox.control.protocol import Row
from devbox.views.tui.clean import plain
from devbox.views.tui.configview import ConfigView
from devbox.views.tui.healthview import HealthView
from devbox.views.tui.listing import styled
from devbox.views.tui.logview import LogView
from devbox.views.tui.metricsview import MetricsView
from devbox.views.tui.prompt import Prompt
from devbox.views.tui.style import part
from devbox.views.tui.tailview import TailView
from devbox.views.tui.taskspane import TasksPane
from devbox.views.tui.timeline import Timeline
from devbox.views.words import icon

TABS = (
    ("log", "Logs"),
    ("health", "Health"),
    ("metrics", "Metrics"),
    ("events", "Events"),
    ("config", "Config"),
    ("tasks", "Tasks"),
)
"""The id of each tab's widget, and its title; the keys are 1, 2, …"""


_LEAST_HEAD = 24
"""Columns that the name and the state have at least, where they share a line with the tabs."""


class TitleBar(Widget):
    """Whose details these are, how it is, which tab is open, and how its view stands; in two lines or in one."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "title--name", "title--good", "title--bad", "title--busy", "title--off", "title--dim", "title--tab",
        "title--open",
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Row | None, str, str] = (None, TABS[0][0], "")

    def show(self, row: Row | None, tab: str, stand: str) -> None:
        """Show this replica (None: everything); `stand` is said at the right end."""
        if (row, tab, stand) != self._shown:
            self._shown = (row, tab, stand)
            self.refresh()

    def render(self) -> Text:
        row, tab, stand = self._shown
        width = self.size.width
        end = Text(f"{stand} " if stand else "", self._part("dim"))
        if self.size.height > 1:
            first = self._head(row, width)
            second = self._tabs(tab, width - end.cell_len)
            gap = " " * max(0, width - second.cell_len - end.cell_len)
            return Text.assemble(first, "\n", second, gap, end, no_wrap=True)
        tabs = self._tabs(tab, width - end.cell_len - _LEAST_HEAD)
        head = self._head(row, width - tabs.cell_len - end.cell_len - 1)
        gap = " " * max(1, width - head.cell_len - tabs.cell_len - end.cell_len)
        return Text.assemble(head, gap, end, tabs, no_wrap=True)

    def _head(self, row: Row | None, room: int) -> Text:
        """Whose details these are, and how it is."""
        text = Text.assemble((f" {row.name if row else 'everything'} ", self._part("name")), no_wrap=True)
        if row:
            text.append(f" {icon(row.state)} {row.state} ", self._part(styled(row.state)))
            if room - text.cell_len > 12:
                text.append_text(self._more(row, room - text.cell_len))
        if text.cell_len > room:
            text.truncate(room, overflow="ellipsis")
        return text

    async def on_click(self, event: events.Click) -> None:
        if number := event.style.meta.get("tab"):
            await self.run_action(f"screen.tab({number})")

    def _more(self, row: Row, room: int) -> Text:
        facts = [row.url, f"pid {row.pid}" if row.pid else ""]
        said = plain(row.note) or " · ".join(filter(None, facts))
        more = Text(f" {said} ", self._part(styled(row.state) if row.note else "dim"))
        more.truncate(room, overflow="ellipsis")
        return more

    def _tabs(self, tab: str, room: int) -> Text:
        """The tabs with their titles; where that is too much, the open one with its title, or the numbers alone."""
        for titled in (True, None, False):
            shown = [
                self._tab(number, name, title if titled or (titled is None and name == tab) else "", name == tab)
                for number, (name, title) in enumerate(TABS, 1)
            ]
            tabs = Text("").join(shown)
            if tabs.cell_len <= room:
                break
        return tabs

    def _tab(self, number: int, _id: str, title: str, is_open: bool) -> Text:
        style = self._part("open" if is_open else "tab")
        return Text(f" {number} {title} " if title else f" {number} ", style + Style(meta={"tab": number}))

    def _part(self, name: str) -> Style:
        return part(self, f"title--{name}")


class DetailPane(Vertical):
    """The tabs, and the prompt for a search in the log."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title = TitleBar()
        self.log_view, self.timeline = LogView(id="log"), Timeline(id="events")
        self.health, self.metrics = HealthView(id="health"), MetricsView(id="metrics")
        self.config, self.tasks = ConfigView(id="config"), TasksPane(id="tasks")
        self.tabs = ContentSwitcher(
            self.log_view, self.health, self.metrics, self.timeline, self.config, self.tasks, initial=TABS[0][0]
        )
        self.search = Prompt("/", "search: text or regular expression", id="search")

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.tabs
        yield self.search

    @property
    def tab(self) -> str:
        """The id of the open tab."""
        return self.tabs.current or TABS[0][0]

    @property
    def view(self) -> TailView:
        """What is shown in the open tab."""
        return self.tasks.list if self.tab == "tasks" else self.query_one(f"#{self.tab}", TailView)

    def open_tab(self, number: int) -> None:
        """Open the tab of that number, counted from 1."""
        self.tabs.current = TABS[number - 1][0]

    def focus_tab(self) -> None:
        self.view.focus()

    def update_title(self, row: Row | None) -> None:
        """Draw the title line anew, if anything in it is different."""
        self.title.show(row, self.tab, self.view.stand)
