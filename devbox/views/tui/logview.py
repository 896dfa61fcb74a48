"""The log of one service, or of all of them merged: searched, followed, never drawn faster than one can see."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from devbox.domain.log import LogChunk
from devbox.views.tui.buffer import Buffer, Source
from devbox.views.tui.logline import ROOM_FOR_TIMES, Mark, paint_line
from devbox.views.tui.search import Search
from devbox.views.tui.tailview import TailView

BATCH = 0.05
"""Seconds for which new lines are gathered before they are drawn."""

_WIDEST_NAME = 16


class LogView(TailView):
    """Lines of services. `feed` takes what comes; nothing of it can do more to the terminal than colour it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--dim", "log--value", "log--info", "log--warn", "log--error", "log--stderr", "log--match", "log--current",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "screen.search", "search", key_display="/", tooltip="Search, as text or regular expression"),
        Binding("n", "match(1)", "next", tooltip="Go to the next match"),
        Binding("N", "match(-1)", "previous", tooltip="Go to the previous match"),
        Binding("T", "times", "times", show=False, tooltip="Show or hide the time of each line"),
    ]

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.buffer = Buffer()
        self.search: Search | None = None
        self._pending: list[LogChunk] = []
        self._sources: dict[tuple[str, int, str], Source] = {}
        self._names: dict[tuple[str, int], str] = {}
        self._merged = False
        self._times: bool | None = None

    @property
    def first(self) -> int:
        return self.buffer.first

    @property
    def end(self) -> int:
        return self.buffer.end

    def begin(self, *, merged: bool, names: dict[tuple[str, int], str]) -> None:
        """Start over with another log. `names` are the `Row.name`s of replicas, for the merged one."""
        self._pending.clear()
        self._sources.clear()
        self._strips.clear()
        self.buffer.clear()
        self._merged, self._names = merged, names
        self.words, self.shifted, self.following, self.missed = "", 0, True, 0
        if self.search:
            self.search = Search(self.search.text)
        self.grew(0)

    def feed(self, chunk: LogChunk) -> None:
        """Take in new lines; they are drawn together with all that come within a moment."""
        if not self._pending:
            self.set_timer(BATCH, self.flush)
        self._pending.append(chunk)

    def flush(self) -> None:
        """Draw what came."""
        chunks, self._pending = self._pending, []
        before, first = self.buffer.end, self.buffer.first
        for chunk in chunks:
            self.buffer.add(chunk, self._source(chunk))
        if self.search:
            self.search.look_at(self.buffer.numbered(before))
            self.search.forget_before(self.buffer.first)
        if chunks:
            self.grew(self.buffer.end - before, self.buffer.first - first)

    def say(self, words: str) -> None:
        """What to show in place of lines while there are none."""
        self.words = words
        self.refresh()

    def look_for(self, text: str) -> None:
        """Mark what matches `text`; nothing for an empty one."""
        self.search = Search(text) if text else None
        if self.search:
            self.search.look_at(self.buffer.numbered(self.buffer.first))
        self.repaint()
        self.refresh_bindings()
        self.post_message(self.Moved())

    def action_match(self, direction: int) -> None:
        """Go to the next match, or the previous one."""
        if not self.search:
            return
        top = self.first + self.scroll_offset.y
        origin = self.search.current if self.search.current is not None else top + self.size.height
        number = self.search.step(origin, direction)
        if number is not None:
            self._bring_into_sight(number)
        self.repaint()
        self.post_message(self.Moved())

    def action_times(self) -> None:
        self._times = not self._shows_times
        self.repaint()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.search is not None if action == "match" else True

    def text_of(self, number: int) -> Text:
        width = min(_WIDEST_NAME, max(map(len, self._names.values()), default=0)) if self._merged else 0
        mark = self._mark(number)
        return paint_line(self.buffer[number], self._part, times=self._shows_times, name_width=width, mark=mark)

    def _mark(self, number: int) -> Mark | None:
        if not self.search:
            return None
        style = "log--current" if number == self.search.current else "log--match"
        return self.search.pattern, self.get_component_rich_style(style)

    @property
    def _shows_times(self) -> bool:
        return self.room >= ROOM_FOR_TIMES if self._times is None else self._times

    def _bring_into_sight(self, number: int) -> None:
        place, height = number - self.first, self.size.height
        if not self.scroll_offset.y <= place < self.scroll_offset.y + height:
            self.go(place - height // 2)

    def _source(self, chunk: LogChunk) -> Source:
        key = (chunk.service, chunk.replica, chunk.stream)
        if key not in self._sources:
            name = self._names.get((chunk.service, chunk.replica), chunk.service)
            self._sources[key] = Source(name, chunk.service, chunk.stream == "stderr")
        return self._sources[key]
