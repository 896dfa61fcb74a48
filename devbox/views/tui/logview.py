"""The log of one service, or of all of them merged: searched, filtered, followed, never drawn faster than one sees."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from devbox.domain.log import Level, LogChunk
from devbox.domain.logformat import Grouping
from devbox.views.tui.buffer import Buffer, Line, Source
from devbox.views.tui.clean import plain
from devbox.views.tui.logline import ROOM_FOR_TIMES, Look, Mark, paint_line, paint_whole
from devbox.views.tui.search import Search
from devbox.views.tui.tailview import TailView

BATCH = 0.05
"""Seconds for which new lines are gathered before they are drawn."""

FILTERS = (None, Level.INFO, Level.WARN, Level.ERROR)
"""What the level filter can be set to, one after the other: the least that is shown; None is all."""

_WIDEST_NAME = 16


class LogView(TailView):
    """Lines of services. `feed` takes what comes; nothing of it can do more to the terminal than colour it.

    `known_search` is what all of its lines have: that they match it need not be said.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--dim", "log--value", "log--info", "log--warn", "log--error", "log--stderr", "log--match", "log--current",
        "log--mark",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash", "screen.search", "search", key_display="/", id="search",
            tooltip="Search, as text or regular expression",
        ),
        Binding("n", "match(1)", "next", tooltip="Go to the next match", id="next-match"),
        Binding("N", "match(-1)", "previous", tooltip="Go to the previous match", id="previous-match"),
        Binding(
            "enter", "open_line", "open", key_display="⏎", id="open-line",
            tooltip="Show the line whole, JSON spread out; or fold it again",
        ),
        Binding("c", "correlate", "correlate", tooltip="Every line that has an id of this one", id="correlate"),
        Binding("L", "level", "level", tooltip="Show only lines from this level up", id="level"),
        Binding("m", "mark", "mark", tooltip="Draw a line below the last one", id="mark"),
        Binding("T", "times", "times", show=False, tooltip="Show or hide the time of each line", id="times"),
        Binding("Y", "copy", "copy", show=False, tooltip="Copy the line to the clipboard", id="copy"),
        Binding("ctrl+s", "save", "save", show=False, tooltip="Save what is shown to a file", id="save"),
    ]  # fmt: skip

    class Asked(Message):
        """Something that a view cannot do itself is asked for: `copy` or `save` (`text`), `correlate`, `older`."""

        def __init__(self, view: LogView, what: str, lines: list[str]) -> None:
            super().__init__()
            self.view, self.what, self.lines = view, what, lines

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.buffer = Buffer()
        self.search: Search | None = None
        self.known_search = ""
        self.least: Level | None = None
        self._opened: set[int] = set()
        self._filtered: list[int] = []
        self._groupings: dict[Source, Grouping] = {}
        self._pending: list[LogChunk] = []
        self._sources: dict[tuple[str, int, str], Source] = {}
        self._firsts: dict[tuple[str, int, str], int] = {}
        self._names: dict[tuple[str, int], str] = {}
        self._merged = False
        self._times: bool | None = None

    @property
    def shown(self) -> range | list[int]:
        return self._filtered if self.least else range(self.buffer.first, self.buffer.end)

    @property
    def has_opened(self) -> bool:
        """Whether its first lines are drawn, or words in place of them, and nothing that came is yet to be."""
        return not self._pending and bool(len(self.buffer) or self.words)

    @property
    def stand(self) -> str:
        """What is looked for and how it is shown, in a few words; empty where all is as it is at first."""
        looks = self.search is not None and (self.search.text != self.known_search or self.search.current is not None)
        search = f"/{self.search.text}: {self.search.describe()}" if self.search and looks else ""
        level = f"{self.least.word} and up" if self.least else ""
        wrapped, paused = "wrapped" if self.wrapped else "", "" if self.following else "paused"
        return " · ".join(filter(None, [level, search, wrapped, paused]))

    @property
    def tall(self) -> bool:
        return self.wrapped or bool(self._opened)

    def wraps(self, number: int) -> bool:
        return self.wrapped or number in self._opened

    def begin(self, *, merged: bool, names: dict[tuple[str, int], str]) -> None:
        """Start over with another log. `names` are the `Row.name`s of replicas, for the merged one."""
        self._pending.clear()
        self._sources.clear()
        self._firsts.clear()
        self.buffer.clear()
        self._opened.clear()
        self._filtered.clear()
        self._groupings.clear()
        self._merged, self._names = merged, names
        self.words = ""
        if self.search:
            self.search = Search(self.search.text)
        self.start_over()

    def feed(self, chunk: LogChunk) -> None:
        """Take in new lines; they are drawn together with all that come within a moment."""
        if not self._pending:
            self.set_timer(BATCH, self.flush)
        self._pending.append(chunk)

    def flush(self) -> None:
        """Draw what came."""
        chunks, self._pending = self._pending, []
        if not chunks:
            return
        before, first, hidden = self.buffer.end, self.buffer.first, len(self._filtered)
        for chunk in chunks:
            source = self._source(chunk)
            self.buffer.add(self._graded(chunk, self._groupings.setdefault(source, Grouping())), source)
        came = self.buffer.numbered(before)
        if self.least:
            came = iter(self._take_grave(came))
            gone = bisect_left(self._filtered, self.buffer.first)
            del self._filtered[:gone]
            added, dropped = len(self._filtered) + gone - hidden, gone
        else:
            added, dropped = self.buffer.end - before, self.buffer.first - first
        if self.search:
            self._search_on(self.search, came)
        self.grew(added, dropped)

    def _search_on(self, search: Search, came: Iterable[tuple[int, Line]]) -> None:
        had = bool(search.matches)
        search.look_at(came)
        search.forget_before(self.buffer.first)
        if had is not bool(search.matches):
            self.refresh_bindings()

    def put_before(self, chunks: Sequence[LogChunk]) -> int:
        """Put older lines, oldest first, above the first one, without moving what is in sight; how many they were.

        Lines that are here already are left out: each stream's are numbered.
        """
        place, first = self.scroll_offset.y, self.buffer.first
        older = [self._graded(self._unseen(chunk), Grouping()) for chunk in chunks]
        for chunk in reversed(older):
            if chunk.lines:
                self._firsts[_stream(chunk)] = chunk.first_line
        self.buffer.put_before([(chunk, self._source(chunk)) for chunk in older])
        self._look_again()
        added = first - self.buffer.first
        self.grew(0)
        self.go(place + (self.place_of(first) if self.least else added))
        return added

    def _unseen(self, chunk: LogChunk) -> LogChunk:
        first = self._firsts.get(_stream(chunk))
        if first is None or chunk.first_line + len(chunk.lines) <= first:
            return chunk
        count = max(0, first - chunk.first_line)
        return replace(chunk, lines=chunk.lines[:count], levels=chunk.levels[:count])

    def show_times(self, shown: bool) -> None:
        """Whether the time stands before each line; until then that depends on the room."""
        self._times = shown
        self.repaint()

    def say(self, words: str) -> None:
        """What to show in place of lines while there are none."""
        self.words = words
        self.repaint()

    def look_for(self, text: str) -> None:
        """Mark what matches `text`; nothing for an empty one."""
        self.search = Search(text) if text else None
        self._look_again()
        self.repaint()
        self.refresh_bindings()
        self.post_message(self.Moved())

    def filter_from(self, level: Level | None) -> None:
        """Show only lines of that level and graver ones; all for None."""
        self.least = level
        self._look_again()
        self.repaint()
        self.action_to_end()
        self.post_message(self.Moved())

    def current(self) -> Line | None:
        """The line that keys act on."""
        return self.buffer[self.cursor] if self.cursor is not None and len(self.buffer) else None

    def go_to_line(self, number: int) -> None:
        super().go_to_line(number)
        if self.search and len(self.search.matches) == 1:
            self.refresh_bindings()

    # --- keys

    def action_match(self, direction: int) -> None:
        """Go to the next match, or the previous one."""
        if not self.search:
            return
        origin = self.search.current if self.search.current is not None else self.buffer.end
        number = self.search.step(origin, direction)
        if number is not None:
            self.go_to_line(number)
        self.repaint()
        self.post_message(self.Moved())

    def action_open_line(self) -> None:
        if self.cursor is None:
            return
        number = self.cursor
        self._opened ^= {number}
        self._rows.pop(number, None)
        self.go_to_line(number)
        self.repaint()

    def action_level(self) -> None:
        self.filter_from(FILTERS[(FILTERS.index(self.least) + 1) % len(FILTERS)])

    def action_mark(self) -> None:
        self.flush()
        before, now = self.buffer.end, time.time()
        self.buffer.mark(now, time.strftime("%H:%M:%S", time.localtime(now)))
        if self.least:
            self._filtered.append(before)
        self.grew(1)
        self.action_to_end()

    def action_times(self) -> None:
        self.show_times(not self._shows_times)

    def action_copy(self) -> None:
        if line := self.current():
            self.post_message(self.Asked(self, "copy", [plain(line.text)]))

    def action_save(self) -> None:
        lines = [self._painted(number, edge=False).plain.rstrip() for number in self.shown]
        self.post_message(self.Asked(self, "save", lines))

    def action_correlate(self) -> None:
        if line := self.current():
            self.post_message(self.Asked(self, "correlate", [line.text]))

    def reached_top(self) -> None:
        self.post_message(self.Asked(self, "older", []))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "match":
            matches = self.search.matches if self.search else []
            return bool(matches) and matches != [self.cursor]
        if action in ("open_line", "copy", "correlate", "save"):
            return bool(self.shown)
        return True

    # --- how lines look

    def text_of(self, number: int) -> Text:
        return self._painted(number, edge=True)

    def _painted(self, number: int, *, edge: bool) -> Text:
        line, mark = self.buffer[number], self._mark(number)
        if line.source.mark:
            return Text(f"── {line.text} {'─' * max(2, self.room - len(line.text) - 4)}", self._part("log--mark"))
        width = min(_WIDEST_NAME, max(map(len, self._names.values()), default=0)) if self._merged else 0
        paint = paint_whole if number in self._opened else paint_line
        return paint(line, self._part, Look(self._shows_times, width, edge), mark)

    def _mark(self, number: int) -> Mark | None:
        if not self.search:
            return None
        style = "log--current" if number == self.search.current else "log--match"
        return self.search.pattern, self.get_component_rich_style(style)

    @property
    def _shows_times(self) -> bool:
        return self.room >= ROOM_FOR_TIMES if self._times is None else self._times

    # --- what is shown

    def _look_again(self) -> None:
        """Filter and search everything there is."""
        self._filtered.clear()
        lines: Iterable[tuple[int, Line]] = self.buffer.numbered(self.buffer.first)
        if self.least:
            lines = self._take_grave(lines)
        if self.search:
            self.search.matches.clear()
            self.search.look_at(lines)

    def _take_grave(self, lines: Iterable[tuple[int, Line]]) -> list[tuple[int, Line]]:
        """Those lines that the level filter lets through, noted as shown."""
        least = self.least
        taken = [(number, line) for number, line in lines if least is None or self._is_grave(line, least)]
        self._filtered += [number for number, _ in taken]
        return taken

    def _is_grave(self, line: Line, least: Level) -> bool:
        return line.source.mark or (line.level is not None and line.level >= least)

    def _graded(self, chunk: LogChunk, grouping: Grouping) -> LogChunk:
        """The chunk with the level of each of its lines, where nobody looked at them before."""
        return chunk if chunk.levels else replace(chunk, levels=grouping.letters(chunk.lines))

    def _source(self, chunk: LogChunk) -> Source:
        key = _stream(chunk)
        self._firsts.setdefault(key, chunk.first_line)
        if key not in self._sources:
            name = self._names.get((chunk.service, chunk.replica), chunk.service)
            self._sources[key] = Source(name, chunk.service, chunk.stream == "stderr")
        return self._sources[key]


def _stream(chunk: LogChunk) -> tuple[str, int, str]:
    return chunk.service, chunk.replica, chunk.stream
