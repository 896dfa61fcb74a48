"""A search over the lines of a log: what matches, and where to go next."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from devbox.views.tui.buffer import Line
from devbox.views.tui.clean import plain


class Search:
    """A regular expression, or plain text where it is not one, and the numbers of the lines that have it.

    Upper and lower case are one unless the pattern has upper case in it.
    """

    def __init__(self, text: str) -> None:
        flags = re.IGNORECASE if text == text.lower() else re.NOFLAG
        try:
            self.pattern = re.compile(text, flags)
        except re.error:
            self.pattern = re.compile(re.escape(text), flags)
        self.text = text
        self.matches: list[int] = []
        self.current: int | None = None

    def look_at(self, lines: Iterable[tuple[int, Line]]) -> None:
        """Look through lines that were not looked at before."""
        found = self.pattern.search
        self.matches += [number for number, line in lines if found(plain(line.text))]

    def forget_before(self, first: int) -> None:
        """Lines with smaller numbers are no more."""
        del self.matches[: bisect_left(self.matches, first)]

    def step(self, origin: int, direction: int) -> int | None:
        """The next match after line `origin` (direction 1) or before it (-1), around the ends; None without any."""
        if not self.matches:
            return None
        place = bisect_right(self.matches, origin) if direction > 0 else bisect_left(self.matches, origin) - 1
        self.current = self.matches[place % len(self.matches)]
        return self.current

    def describe(self) -> str:
        """`3 of 17`, `17 matches`, `no match`."""
        if not self.matches:
            return "no match"
        if self.current in self.matches[-1:] or self.current in self.matches:
            return f"{bisect_left(self.matches, self.current or 0) + 1:,} of {len(self.matches):,}"
        return f"{len(self.matches):,} match{'es' if len(self.matches) > 1 else ''}"
