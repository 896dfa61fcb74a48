"""What a command of devbox says, on a screen of its own: `devbox doctor`, `devbox report`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from textual import on

from devbox.domain.log import LogChunk
from devbox.views.tui.link import opened
from devbox.views.tui.logview import LogView
from devbox.views.tui.searching import SearchableScreen
from devbox.views.tui.tailview import TailView


class SaidScreen(SearchableScreen):
    """Follows the lines of one command to its end. `title` is the command."""

    def __init__(self, title: str) -> None:
        super().__init__(LogView(id="said"), f" {title} …")
        self._title = title
        self._ended = ""

    def on_mount(self) -> None:
        self.view.begin(merged=False, names={})
        self.view.say("It has said nothing yet.")
        self.view.show_times(False)
        self.view.focus()

    async def follow(self, lines: AsyncIterator[str]) -> list[str]:
        """Show the lines to their end, as long as somebody looks; all of them. The last one says how it ended."""
        said: list[str] = []
        async with opened(lines) as stream:
            async for line in stream:
                if said and self.is_attached:
                    self.view.feed(LogChunk("devbox", 1, "stdout", 0, time.time(), (said[-1],)))
                said.append(line)
        if self.is_attached:
            self.view.flush()
            if len(said) == 1:
                self.view.say("It said nothing.")
            self._ended = said[-1]
            self._tell()
        return said

    @on(TailView.Moved)
    def _tell(self) -> None:
        stand = self.view.stand
        ended = f": {self._ended}" if self._ended else " …"
        self.heading.update(f" {self._title}{ended}{f' · {stand}' if stand else ''}")
