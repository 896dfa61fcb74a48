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
from devbox.views.tui.listing import styled
from devbox.views.tui.logview import LogView
from devbox.views.tui.prompt import Prompt
from devbox.views.tui.style import part
from devbox.views.tui.timeline import Timeline
from devbox.views.words import icon

TABS = (("log", "Logs"), ("events", "Events"))
"""The id of each tab's widget, and its title; the keys are 1, 2, …"""


class TitleBar(Widget):
    """Whose details these are, how it is, which tab is open, and how its view stands, in one line."""

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
        text = Text.assemble((f" {row.name if row else 'everything'} ", self._part("name")), no_wrap=True)
        if row:
            text.append(f" {icon(row.state)} {row.state} ", self._part(styled(row.state)))
        tabs = Text(" ").join(self._tab(number, *names, names[0] == tab) for number, names in enumerate(TABS, 1))
        end = Text(f"{stand} " if stand else "", self._part("dim"))
        room = self.size.width - text.cell_len - tabs.cell_len - end.cell_len - 1
        if row and room > 12:
            text.append_text(self._more(row, room))
        gap = self.size.width - text.cell_len - tabs.cell_len - end.cell_len
        return Text.assemble(text, " " * max(1, gap - 1), end, tabs)

    async def on_click(self, event: events.Click) -> None:
        if number := event.style.meta.get("tab"):
            await self.run_action(f"screen.tab({number})")

    def _more(self, row: Row, room: int) -> Text:
        facts = [row.url, f"pid {row.pid}" if row.pid else ""]
        said = plain(row.note) or " · ".join(filter(None, facts))
        more = Text(f" {said} ", self._part(styled(row.state) if row.note else "dim"))
        more.truncate(room, overflow="ellipsis")
        return more

    def _tab(self, number: int, _id: str, title: str, is_open: bool) -> Text:
        style = self._part("open" if is_open else "tab")
        return Text(f" {number} {title} ", style + Style(meta={"tab": number}))

    def _part(self, name: str) -> Style:
        return part(self, f"title--{name}")


class DetailPane(Vertical):
    """The tabs, and the prompt for a search in the log."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title = TitleBar()
        self.log_view, self.timeline = LogView(id="log"), Timeline(id="events")
        self.tabs = ContentSwitcher(self.log_view, self.timeline, initial=TABS[0][0])
        self.search = Prompt("/", "search: text or regular expression", id="search")

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.tabs
        yield self.search

    @property
    def tab(self) -> str:
        """The id of the open tab."""
        return self.tabs.current or TABS[0][0]

    def open_tab(self, number: int) -> None:
        """Open the tab of that number, counted from 1."""
        self.tabs.current = TABS[number - 1][0]

    def focus_tab(self) -> None:
        self.query_one(f"#{self.tab}").focus()

    def update_title(self, row: Row | None) -> None:
        """Draw the title line anew, if anything in it is different."""
        self.title.show(row, self.tab, self._stand() if self.tab == "log" else "")

    def _stand(self) -> str:
        view = self.log_view
        search = f"/{view.search.text}: {view.search.describe()}" if view.search else ""
        return " · ".join(filter(None, [search, "" if view.following else "paused"]))
