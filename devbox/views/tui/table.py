"""The service table: one line a replica, and one below it where it waits or is unwell."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from devbox.views.tui.listing import Entry, Kind
from devbox.views.tui.style import part


class ServiceTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Draws the lines it is given, and only those that differ from before. Keeps its place by name, not by number."""

    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--good", "table--bad", "table--busy", "table--off", "table--dim", "table--name", "table--head",
        "table--note", "table--spark", "table--sorted", "table--cursor", "table--marker", "table--words",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,l", "screen.open", "log", key_display="⏎", id="log", tooltip="Show the log on the whole screen"
        ),
        Binding(
            "slash", "screen.filter", "filter", key_display="/", id="filter",
            tooltip="Show only services whose name or state has …",
        ),
        Binding("o", "screen.order", "order", id="order", tooltip="Sort by state, CPU, memory, …"),
        Binding("m", "screen.map", "map", id="map", tooltip="The map of the mesh: what needs what"),
        Binding(
            "T", "screen.timings", "timings", show=False, id="timings", tooltip="What the last start waited for"
        ),
        Binding("w", "screen.browse", "browser", id="browse", tooltip="Open the selected service in the browser"),
        Binding("j,down", "move(1)", "down", show=False, id="down", tooltip="One line down"),
        Binding("k,up", "move(-1)", "up", show=False, id="up", tooltip="One line up"),
        Binding("g,home", "move(-100000)", "top", show=False, id="top", tooltip="Go to the first line"),
        Binding("G,end", "move(100000)", "end", show=False, id="end", tooltip="Go to the last line"),
        Binding("pagedown", "page(1)", "page down", show=False, id="page-down", tooltip="A page down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="page-up", tooltip="A page up"),
    ]  # fmt: skip

    class Selected(Message):
        """Another line was selected: the `Row.name` of a replica, or None for everything."""

        def __init__(self, name: str | None) -> None:
            super().__init__()
            self.name = name

    class Titled(Message):
        """The name of a column was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    class Resized(Message):
        """There is more room for columns or less."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self.selected: str | None = None
        self.words = ""

    def show(self, entries: list[Entry], words: str = "") -> None:
        """Show these lines; `words` where there are none."""
        before, self.entries = self.entries, entries
        place = self._place(before)
        if words != self.words or len(before) != len(entries):
            self.words = words
            self.virtual_size = Size(self.size.width, len(entries))
            self.refresh()
        else:
            for y, (old, new) in enumerate(zip(before, entries, strict=True)):
                if old != new:
                    self.refresh_line(y)
        if entries and self._place(entries) is None:
            self._select(self._nearest(place or 0))
        elif place != self._place(entries):
            self._keep_in_sight()

    def select(self, name: str | None) -> None:
        """Go to the line of a replica; None is the one for everything."""
        if any(entry.selectable and entry.name == name for entry in self.entries):
            self._select(name)

    def action_move(self, lines: int) -> None:
        """Go up or down by selectable lines, as far as there are any."""
        places = [y for y, entry in enumerate(self.entries) if entry.selectable]
        if not places:
            return
        here = self._place(self.entries)
        index = places.index(here) if here in places else 0
        self._select(self.entries[places[max(0, min(len(places) - 1, index + lines))]].name)

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self.size.height // 2))

    def on_click(self, event: events.Click) -> None:
        y = event.y + self.scroll_offset.y
        if y < len(self.entries) and self.entries[y].kind is not Kind.HEAD:
            if column := self._title_at(y, event.x):
                self.post_message(self.Titled(column))
                return
            self._select(self.entries[y].name)
            if event.chain > 1:
                self.run_worker(self.run_action("screen.open"))

    def _title_at(self, y: int, x: int) -> str:
        """The column whose name is drawn there; empty elsewhere."""
        end = 1
        for cell in self.entries[y].cells if self.entries[y].kind is Kind.ALL else ():
            end += len(cell.text)
            if x < end:
                return cell.title
        return ""

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.entries))
        self._keep_in_sight()
        self.post_message(self.Resized())

    @property
    def room(self) -> int:
        """Columns there are for a line, beside the scroll bar."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        width, place = self.room, y + self.scroll_offset.y
        if not self.entries and y < 2:
            return self._words(y, width)
        if place >= len(self.entries):
            return Strip.blank(width, self.rich_style)
        entry = self.entries[place]
        chosen = entry.kind is not Kind.HEAD and entry.name == self.selected
        strip = self._strip(entry, chosen, width)
        return strip.apply_style(self._style("cursor") if chosen else Style()).apply_style(self.rich_style)

    def _strip(self, entry: Entry, chosen: bool, width: int) -> Strip:
        marker = "▌" if chosen and entry.selectable else " "
        segments = [Segment(marker, self._style("marker"))]
        room = width - 1
        for cell in entry.cells:
            text = cell.text if cell_len(cell.text) <= room else set_cell_size(cell.text, max(0, room - 1)) + "…"
            segments.append(Segment(text, self._style(cell.style) if cell.style else None))
            room -= cell_len(text)
            if room <= 0:
                break
        return Strip(segments).adjust_cell_length(width)

    def _words(self, y: int, width: int) -> Strip:
        lines = self.words.split("\n")
        text = f" {lines[y]}" if y < len(lines) else ""
        strip = Strip([Segment(text, self._style("words"))]).adjust_cell_length(width)
        return strip.apply_style(self.rich_style)

    def _style(self, name: str) -> Style:
        return part(self, f"table--{name}")

    def _place(self, entries: list[Entry]) -> int | None:
        """Where the selected line is."""
        chosen = (y for y, entry in enumerate(entries) if entry.selectable and entry.name == self.selected)
        return next(chosen, None)

    def _nearest(self, place: int) -> str | None:
        near = min((y for y, e in enumerate(self.entries) if e.selectable), key=lambda y: abs(y - place))
        return self.entries[near].name

    def _select(self, name: str | None) -> None:
        changed = name != self.selected
        self.selected = name
        self._keep_in_sight()
        if changed:
            self.refresh()
            self.post_message(self.Selected(name))

    def _keep_in_sight(self) -> None:
        place = self._place(self.entries)
        if place is None:
            return
        first = 0 if place <= 2 else place
        last = place + 1 if self.entries[place + 1 : place + 2] and self.entries[place + 1].kind is Kind.NOTE else place
        top, height = self.scroll_offset.y, self.size.height
        if first < top:
            self.scroll_to(y=first, animate=False, force=True)
        elif last >= top + height:
            self.scroll_to(y=min(first, last - height + 1), animate=False, force=True)
