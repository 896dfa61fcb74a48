"""The log viewer: keeps raw lines, and works out how one looks only when it is drawn."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from devbox.domain.log import LogChunk
from devbox.views.tui.lines import drawn

_KEPT = 200_000
_DROPPED_AT_ONCE = 20_000
_DRAW_EVERY = 0.05
_NAME_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_magenta")


@dataclass(slots=True)
class _Line:
    service: str
    stderr: bool
    raw: str


class LogView(ScrollView, can_focus=True):
    """Lines of one service, or of all with their names. Follows the end until somebody scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "app.search", "search"),
        Binding("n", "next_match(1)", "next", show=False),
        Binding("N", "next_match(-1)", "previous", show=False),
        Binding("f", "follow", "follow"),
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "top", show=False),
        Binding("G", "follow", "end", show=False),
    ]

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[_Line] = []
        self._pending: list[_Line] = []
        self._following = True
        self._unseen = 0
        self._dropped = 0
        self._widest = 0
        self._names = False
        self._pattern: re.Pattern[str] | None = None
        self._match = -1
        self._strips: LRUCache[int, Strip] = LRUCache(1000)
        self._what = ""

    @property
    def following(self) -> bool:
        """Whether the view stays at the end as more comes."""
        return self._following

    @property
    def line_count(self) -> int:
        return len(self._lines) + len(self._pending)

    def show(self, what: str, *, names: bool) -> None:
        """Begin anew: `what` is being shown, with the names of services in front where there are several."""
        self._lines, self._pending, self._names, self._what = [], [], names, what
        self._following, self._unseen, self._widest, self._match = True, 0, 0, -1
        self._changed()
        self.scroll_to(0, 0, animate=False)

    def add(self, chunk: LogChunk) -> None:
        """Take lines in. They become visible together, a moment later."""
        if not self._pending:
            self.set_timer(_DRAW_EVERY, self._flush)
        stderr = chunk.stream == "stderr"
        self._pending += [_Line(chunk.service, stderr, line) for line in chunk.lines]

    def search(self, pattern: str) -> None:
        """Mark what matches a regular expression (or, where it is none, a text), and go to the last one."""
        try:
            self._pattern = re.compile(pattern, re.IGNORECASE) if pattern else None
        except re.error:
            self._pattern = re.compile(re.escape(pattern), re.IGNORECASE)
        self._match = len(self._lines)
        self._changed()
        if self._pattern is not None:
            self.action_next_match(-1)

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self._following, self._unseen = True, 0
        self.scroll_end(animate=False, immediate=True)
        self._title()

    def action_next_match(self, step: int) -> None:
        """Go to the next (1) or the previous (-1) line that matches."""
        matches = self._matches()
        later = [i for i in matches if (i - self._match) * step > 0]
        if not matches:
            self._title()
            return
        self._match = (later or matches)[0 if step > 0 else -1]
        self._following = False
        self._strips.clear()
        self.scroll_to(y=max(0, self._match - self.size.height // 2), animate=False, immediate=True)
        self._title()
        self.refresh()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        at_end = new >= self.max_scroll_y - 1
        if new < old and not at_end:
            self._following = False
        elif at_end and not self._following and new > old:
            self._following, self._unseen = True, 0
        self._title()

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        scroll_x, scroll_y = self.scroll_offset
        index = scroll_y + y
        if index >= len(self._lines):
            return self._blank(y)
        key = self._dropped + index
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._strip(index)
        if strip.cell_length > self._widest:
            self._widest = strip.cell_length
            self.call_later(self._resize_virtual)
        width = self.scrollable_content_region.width
        return strip.crop_extend(scroll_x, scroll_x + width, self.rich_style).apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def _blank(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if self._lines or y != 0:
            return Strip.blank(width, self.rich_style)
        words = Text("Nothing has been logged yet." if self._what else "", style="dim")
        strip = Strip(words.render(self.app.console))
        return strip.crop_extend(0, width, self.rich_style).apply_style(self.rich_style)

    def _strip(self, index: int) -> Strip:
        line = self._lines[index]
        text = drawn(line.raw)
        if self._pattern is not None:
            text.highlight_regex(self._pattern, Style(reverse=True, bold=index == self._match))
        head = Text(no_wrap=True)
        if self._names:
            colour = _NAME_COLOURS[zlib.crc32(line.service.encode()) % len(_NAME_COLOURS)]
            head.append(f"{line.service:<12.12} ", colour)
        head.append("▌" if line.stderr else " ", "red")
        return Strip((head + text).render(self.app.console))

    def _matches(self) -> list[int]:
        if self._pattern is None:
            return []
        return [index for index, line in enumerate(self._lines) if self._pattern.search(line.raw)]

    def _flush(self) -> None:
        if not self._pending:
            return
        self._lines += self._pending
        if not self._following:
            self._unseen += len(self._pending)
        self._pending = []
        if len(self._lines) > _KEPT:
            del self._lines[:_DROPPED_AT_ONCE]
            self._dropped += _DROPPED_AT_ONCE
            if not self._following:
                self.scroll_to(y=max(0, self.scroll_offset.y - _DROPPED_AT_ONCE), animate=False, immediate=True)
        self._resize_virtual()
        if self._following:
            self.scroll_end(animate=False, immediate=True)
        self._title()
        self.refresh()

    def _resize_virtual(self) -> None:
        self.virtual_size = Size(self._widest, len(self._lines))

    def _changed(self) -> None:
        self._strips.clear()
        self._resize_virtual()
        self._title()
        self.refresh()

    def _title(self) -> None:
        title = self._what
        if self._pattern is not None:
            matches = self._matches() if self._match >= 0 else []
            place = matches.index(self._match) + 1 if self._match in matches else 0
            title += f"  /{self._pattern.pattern}/ {place} of {len(matches)}" if matches else "  no match"
        self.border_title = title
        self.border_subtitle = "" if self._following else f"+{self._unseen:,} lines, f follows"
