"""A view of lines that grow at their end: draws only what is visible, follows the end until one leaves it.

Lines have numbers that stay theirs; the *place* of a line is where it stands among those that are shown. A line may
take several rows (it is wrapped, or opened), so a screenful is laid out from the line at its top, never from the
beginning.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from textwrap import wrap
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
    """Lines by number, drawn when they come into sight. A subclass says which there are and what they look like.

    `cursor` is the number of the line that keys act on: the last one while the end is followed.
    """

    FROM_END: ClassVar[bool] = True
    """Whether the end is what matters; otherwise it opens at its first line, and nothing is followed."""

    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tail--pill", "tail--words", "tail--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow", tooltip="Follow the end, or stay where you are", id="follow"),
        Binding("w", "wrap", "wrap", tooltip="Wrap long lines, or cut them", id="wrap"),
        Binding("j,down", "go(1)", "down", show=False, tooltip="One line down", id="down"),
        Binding("k,up", "go(-1)", "up", show=False, tooltip="One line up", id="up"),
        Binding("g,home", "to_top", "top", show=False, tooltip="Go to the first line", id="top"),
        Binding("G,end", "to_end", "end", show=False, tooltip="Go to the last line and follow", id="end"),
        Binding("pagedown,space", "page(1)", "page down", show=False, tooltip="A page down", id="page-down"),
        Binding("pageup,b", "page(-1)", "page up", show=False, tooltip="A page up", id="page-up"),
        Binding("right", "shift(16)", "right", show=False, tooltip="See more of long lines", id="right"),
        Binding("left", "shift(-16)", "left", show=False, tooltip="Back to the beginning of lines", id="left"),
    ]

    class Moved(Message):
        """Following or wrapping began or ended, or lines came that are not seen."""

    def __init__(self, *, id: str, words: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self.words = words
        self.following = self.FROM_END
        self.missed = 0
        self.shifted = 0
        self.wrapped = False
        self.cursor: int | None = None
        self._rows: dict[int, list[Strip]] = {}
        self._laid_out: tuple[object, list[Strip]] = (None, [])
        self._generation = 0

    # --- what a subclass says

    @property
    def shown(self) -> range | list[int]:
        """The numbers of the lines that are shown, in ascending order."""
        raise NotImplementedError

    def text_of(self, number: int) -> Text:
        """The line of that number as it shall look; with line breaks where it takes several rows."""
        raise NotImplementedError

    @property
    def stand(self) -> str:
        """How the lines are shown, in a few words; empty where all is as it is at first."""
        return "wrapped" if self.wrapped else ""

    @property
    def tall(self) -> bool:
        """Whether some lines may take more than one row."""
        return self.wrapped

    def wraps(self, number: int) -> bool:
        """Whether a line is shown whole, however long it is."""
        return self.wrapped

    def reached_top(self) -> None:
        """Somebody wants to see what is before the first line."""

    # --- what is told by a subclass

    def grew(self, added: int, dropped: int = 0) -> None:
        """Lines were added at the end, or dropped from the beginning."""
        self._generation += 1
        self._measure()
        had_cursor = self.cursor is not None
        if self.following:
            self._to_last()
        else:
            self.missed += added
            if dropped:
                self.go(self.scroll_offset.y - dropped)
            self._keep_cursor()
        if had_cursor is not (self.cursor is not None):
            self.refresh_bindings()
        self.post_message(self.Moved())
        self.refresh()

    def repaint(self) -> None:
        """Every line may look different now."""
        self._rows.clear()
        self._generation += 1
        self._measure()
        self.refresh()

    def start_over(self) -> None:
        """Other lines are shown from now on: from their end, and with nothing of the old ones kept."""
        self._rows.clear()
        self.following, self.shifted, self.missed, self.cursor = self.FROM_END, 0, 0, None
        self.grew(0)
        if not self.FROM_END:
            self.go(0)

    # --- where one is

    def place_of(self, number: int) -> int:
        """Where a line stands among those that are shown; of one that is not, where the next one does."""
        return bisect_left(self.shown, number)

    def go(self, y: int) -> None:
        """Have the line at place `y` at the top, at once; as far as there are lines."""
        self.scroll_to(y=max(0, min(y, self.max_scroll_y)), animate=False, force=True)

    def go_to_line(self, number: int) -> None:
        """Put the cursor on a line, and have it in sight."""
        self._set_following(False)
        self.cursor = number
        self._bring_into_sight(self.place_of(number))
        self._generation += 1
        self.refresh()

    @property
    def room(self) -> int:
        """Columns there are for a line, beside the scroll bar."""
        return self.scrollable_content_region.width

    @property
    def max_scroll_y(self) -> int:
        """The place of the line at the top when the last line is at the bottom."""
        count, height = len(self.shown), self.size.height
        if not self.tall:
            return max(0, count - height)
        rows, place = 0, count
        while place > 0 and rows + (taken := len(self._rows_of(self.shown[place - 1]))) <= height:
            rows, place = rows + taken, place - 1
        return max(0, min(place, count - 1))

    # --- keys and the mouse

    def action_follow(self) -> None:
        if self.following:
            self._set_following(False)
        else:
            self.action_to_end()

    def action_go(self, lines: int) -> None:
        """Move the cursor; leaving the last line ends following, reaching it begins it again."""
        shown = self.shown
        if not shown:
            return
        here = self._here()
        place = max(0, min(len(shown) - 1, here + lines))
        if here == 0 and lines < 0:
            self.reached_top()
        if place == len(shown) - 1 and lines > 0 and self.FROM_END:
            self.action_to_end()
        else:
            self.go_to_line(shown[place])

    def action_page(self, direction: int) -> None:
        self.action_go(direction * max(1, self.size.height - 1))

    def action_to_top(self) -> None:
        self.action_go(-len(self.shown))

    def action_to_end(self) -> None:
        self._set_following(True)
        self._to_last()
        self._generation += 1
        self.refresh()

    def action_shift(self, columns: int) -> None:
        self.shifted = max(0, self.shifted + columns)
        self._generation += 1
        self.refresh()

    def action_wrap(self) -> None:
        self.wrapped, self.shifted = not self.wrapped, 0
        self.post_message(self.Moved())
        self.repaint()
        if self.following:
            self._to_last()
        elif self.cursor is not None:
            self._bring_into_sight(self.place_of(self.cursor))

    def on_click(self, event: events.Click) -> None:
        pill = self._pill()
        if pill and event.y == self.size.height - 1 and event.x >= self.room - len(pill):
            self.action_to_end()
        elif (number := self._number_at(event.y)) is not None:
            self.go_to_line(number)

    def on_focus(self) -> None:
        self._generation += 1

    def on_blur(self) -> None:
        self._generation += 1

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value >= self.max_scroll_y and new_value > old_value:
            if self.cursor in (None, *self.shown[-1:]):
                self._set_following(True)
        elif new_value < old_value and new_value < self.max_scroll_y:
            self._set_following(False)

    def on_mouse_scroll_down(self) -> None:
        if self.scroll_offset.y >= self.max_scroll_y - 3:
            self.action_to_end()

    def on_mouse_scroll_up(self) -> None:
        self._set_following(False)
        if self.scroll_offset.y == 0:
            self.reached_top()

    def on_resize(self) -> None:
        self._rows.clear()
        self._generation += 1
        self._measure()
        if self.following:
            self._to_last()
        elif self.cursor is not None and self.FROM_END and self.shown:
            self._bring_into_sight(self.place_of(self.cursor))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._rows.clear()
        self._generation += 1

    # --- drawing

    def render_line(self, y: int) -> Strip:
        rows = self._screenful()
        strip = rows[y] if y < len(rows) else Strip.blank(self.room)
        pill = self._pill() if y == self.size.height - 1 else ""
        if pill and len(pill) < self.room:
            style = self.get_component_rich_style("tail--pill")
            strip = Strip.join([strip.crop(0, self.room - len(pill)), Strip([Segment(pill, style)], len(pill))])
        return strip.apply_style(self.rich_style)

    def _screenful(self) -> list[Strip]:
        """The rows that are in sight, laid out once for all of them."""
        state = (self._generation, self.scroll_offset.y, self.size, self.has_focus)
        if self._laid_out[0] != state:
            self._laid_out = (state, [self._cut(number, strip) for number, strip in self._visible()])
        return self._laid_out[1]

    def _visible(self) -> Iterator[tuple[int | None, Strip]]:
        shown, height = self.shown, self.size.height
        if not shown:
            for line in wrap(self.words, max(1, self.room - 2)) or [""]:
                yield None, self._strip(Text(f" {line}" if line else "", self._part("tail--words")))
        taken = 0
        for place in range(self.scroll_offset.y, len(shown)):
            for strip in self._rows_of(shown[place]):
                yield shown[place], strip
                taken += 1
                if taken >= height:
                    return

    def _cut(self, number: int | None, strip: Strip) -> Strip:
        width = self.room
        cut = strip.cell_length > self.shifted + width
        strip = strip.crop_extend(self.shifted, self.shifted + width, None)
        if cut:
            strip = Strip.join([strip.crop(0, width - 1), Strip([Segment("…", self._part("tail--words"))], 1)])
        if number is not None and number == self.cursor and not self.following and self.has_focus:
            strip = strip.apply_style(self.get_component_rich_style("tail--cursor", partial=True))
        return strip

    def _rows_of(self, number: int) -> list[Strip]:
        rows = self._rows.get(number)
        if rows is None:
            if len(self._rows) > _CACHED:
                self._rows.clear()
            rows = self._rows[number] = list(self._split(self.text_of(number), self.wraps(number)))
        return rows

    def _split(self, text: Text, wraps: bool) -> Iterator[Strip]:
        for piece in text.split("\n", allow_blank=True) if self.tall and "\n" in text.plain else (text,):
            strip, room = self._strip(piece), max(1, self.room)
            if not wraps or strip.cell_length <= room:
                yield strip
                continue
            for begin in range(0, strip.cell_length, room):
                yield strip.crop(begin, min(begin + room, strip.cell_length))

    def _strip(self, text: Text) -> Strip:
        text.end = ""
        text.stylize_before(text.style)
        return Strip(text.render(self.app.console))

    def _pill(self) -> str:
        if self.following or not self.missed:
            return ""
        return f" +{self.missed:,} line{'s' if self.missed != 1 else ''} ↓ "

    def _part(self, name: str) -> Style:
        return part(self, name)

    # --- keeping one's place

    def _here(self) -> int:
        """The place of the cursor, or of the nearest line in sight where it was scrolled away."""
        last, top = len(self.shown) - 1, self.scroll_offset.y
        bottom = min(last, top + self.size.height - 1)
        otherwise = bottom if self.FROM_END else top
        return max(top, min(bottom, self.place_of(self.cursor) if self.cursor is not None else otherwise))

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.shown))

    def _to_last(self) -> None:
        self.cursor = self.shown[-1] if self.shown else None
        self.go(self.max_scroll_y)

    def _keep_cursor(self) -> None:
        """A cursor whose line was dropped stands on the first one there is."""
        if self.cursor is not None and self.shown and self.cursor < self.shown[0]:
            self.cursor = self.shown[0]

    def _number_at(self, y: int) -> int | None:
        """The number of the line that is drawn in row `y`."""
        for row, (number, _) in enumerate(self._visible()):
            if row == y:
                return number
        return None

    def _bring_into_sight(self, place: int) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if place <= top:
            self.go(place)
            return
        rows, first = 0, place + 1
        while first > 0 and rows + (taken := len(self._rows_of(self.shown[first - 1]))) <= height:
            rows, first = rows + taken, first - 1
        self.go(max(top, min(first, place)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.FROM_END if action == "follow" else True

    def _set_following(self, following: bool) -> None:
        following = following and self.FROM_END
        if following:
            self.missed = 0
        elif self.following and self.shown:
            self.cursor = self.shown[-1] if self.cursor is None else self.cursor
        if following is not self.following:
            self.following = following
            self._generation += 1
            self.post_message(self.Moved())
            self.refresh()
