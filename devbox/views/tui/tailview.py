"""A view of lines that grow at their end: draws only what is visible, follows the end until one scrolls up."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from devbox.views.tui.style import part

_CACHED = 2000


class TailView(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines by number, drawn when they come into sight. A subclass says how many there are and what they look like."""

    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tail--pill", "tail--words"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow", tooltip="Follow the end, or stay where you are"),
        Binding("j,down", "go(1)", "down", show=False),
        Binding("k,up", "go(-1)", "up", show=False),
        Binding("g,home", "go(-1000000)", "top", show=False, tooltip="Go to the first line"),
        Binding("G,end", "to_end", "end", show=False, tooltip="Go to the last line and follow"),
        Binding("pagedown,space", "page(1)", "page down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("right", "shift(16)", "right", show=False, tooltip="See more of long lines"),
        Binding("left", "shift(-16)", "left", show=False, tooltip="Back to the beginning of lines"),
    ]

    class Moved(Message):
        """Following began or ended, or lines came that are not seen."""

    def __init__(self, *, id: str, words: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self.words = words
        self.following = True
        self.missed = 0
        self.shifted = 0
        self._strips: dict[int, Strip] = {}

    @property
    def first(self) -> int:
        """The number of the first line there is."""
        return 0

    @property
    def end(self) -> int:
        """The number after that of the last line."""
        raise NotImplementedError

    def text_of(self, number: int) -> Text:
        """The line of that number as it shall look."""
        raise NotImplementedError

    def grew(self, added: int, dropped: int = 0) -> None:
        """Lines were added at the end, or dropped from the beginning."""
        self.virtual_size = Size(self.size.width, self.end - self.first)
        if self.following:
            self.go(self.max_scroll_y)
        else:
            self.missed += added
            if dropped:
                self.go(self.scroll_offset.y - dropped)
        self.post_message(self.Moved())
        self.refresh()

    def repaint(self) -> None:
        """Every line may look different now."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value >= self.max_scroll_y:
            self._set_following(True)
        elif new_value < old_value:
            self._set_following(False)

    def on_resize(self) -> None:
        self._strips.clear()
        self.virtual_size = Size(self.size.width, self.end - self.first)
        if self.following:
            self.go(self.max_scroll_y)

    def action_follow(self) -> None:
        if self.following:
            self._set_following(False)
        else:
            self.action_to_end()

    def go(self, y: int) -> None:
        """Have line `y` at the top, at once; as far as there are lines."""
        self.scroll_to(y=max(0, min(y, self.max_scroll_y)), animate=False, force=True)

    def action_go(self, lines: int) -> None:
        self.go(self.scroll_offset.y + lines)

    def action_page(self, direction: int) -> None:
        self.go(self.scroll_offset.y + direction * max(1, self.size.height - 1))

    def action_to_end(self) -> None:
        self.go(self.max_scroll_y)
        self._set_following(True)

    def action_shift(self, columns: int) -> None:
        self.shifted = max(0, self.shifted + columns)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        pill = self._pill()
        if pill and event.y == self.size.height - 1 and event.x >= self.room - len(pill):
            self.action_to_end()

    @property
    def room(self) -> int:
        """Columns there are for a line, beside the scroll bar."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        width = self.room
        strip = self._words_at(y) if self.end == self.first else self._line_at(self.first + self.scroll_offset.y + y)
        cut = strip.cell_length > self.shifted + width
        strip = strip.crop_extend(self.shifted, self.shifted + width, None)
        if cut:
            strip = Strip.join([strip.crop(0, width - 1), Strip([Segment("…", self._part("tail--words"))], 1)])
        pill = self._pill() if y == self.size.height - 1 else ""
        if pill and len(pill) < width:
            style = self.get_component_rich_style("tail--pill")
            strip = Strip.join([strip.crop(0, width - len(pill)), Strip([Segment(pill, style)], len(pill))])
        return strip.apply_style(self.rich_style)

    def _words_at(self, y: int) -> Strip:
        if y != 0 or not self.words:
            return Strip.blank(self.room)
        return self._strip(Text(f" {self.words}", self._part("tail--words")))

    def _line_at(self, number: int) -> Strip:
        if number >= self.end:
            return Strip.blank(self.room)
        strip = self._strips.get(number)
        if strip is None:
            if len(self._strips) > _CACHED:
                self._strips.clear()
            strip = self._strips[number] = self._strip(self.text_of(number))
        return strip

    def _strip(self, text: Text) -> Strip:
        text.end = ""
        return Strip(text.render(self.app.console))

    def _pill(self) -> str:
        if self.following or not self.missed:
            return ""
        return f" +{self.missed:,} line{'s' if self.missed != 1 else ''} ↓ "

    def _set_following(self, following: bool) -> None:
        if following:
            self.missed = 0
        if following is not self.following:
            self.following = following
            self.post_message(self.Moved())
            self.refresh()

    def _part(self, name: str) -> Style:
        return part(self, name)
