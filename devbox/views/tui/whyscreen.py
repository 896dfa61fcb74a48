"""Why a service is as it is: the answer, the chain of causes, its last words, what waits for it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from devbox.control.protocol import Why
from devbox.domain.event import Event
from devbox.views.tui.clean import coloured, harmless, plain
from devbox.views.tui.fold import fold
from devbox.views.tui.listing import styled
from devbox.views.tui.timeline import clock, is_bad
from devbox.views.words import icon

_LAST = 10
"""Last lines that are shown; its log has the others."""


class WhyScreen(ModalScreen[None]):
    """One answer, as it stood when it was asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "close", "close"),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("g,home", "scroll(-100000)", "top", show=False),
        Binding("G,end", "scroll(100000)", "end", show=False),
    ]

    def __init__(self, why: Why) -> None:
        super().__init__()
        self._why = why

    def compose(self) -> ComposeResult:
        why = self._why
        with VerticalScroll(id="dialog") as dialog:
            dialog.border_title, dialog.border_subtitle = f"why {why.row.service}", "Esc closes"
            yield Static(f"{icon(why.row.state)} {plain(why.headline)}", classes=styled(why.row.state), markup=False)
            yield Static(self._circumstances(), classes="dim", markup=False)
            if said := self._first_cause():
                yield Static(said, classes="cause")
            if advice := why.try_next or why.hint:
                yield Static(f"→ {plain(advice)}", classes="hint", markup=False)
            if why.tail:
                yield Static("Last lines", classes="heading")
                yield Static(Text("\n").join(Text("│ ", "dim") + _readable(line) for line in why.tail[-_LAST:]))
            yield Static("Because", classes="heading")
            yield Static(Text("\n").join(map(self._link, why.chain)) or "Nothing is known of its past.")
            if why.blocks:
                yield Static("Waiting for it", classes="heading")
                yield Static(", ".join(why.blocks), markup=False)

    def action_close(self) -> None:
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#dialog").scroll_relative(y=lines, animate=False)

    def _circumstances(self) -> str:
        row = self._why.row
        parts = [f"since {clock(row.status.since)}"] if row.status.since else []
        parts.append(f"{row.status.restarts} restart{'s' if row.status.restarts != 1 else ''}")
        if row.probe_output and row.probe_output not in self._why.headline:
            parts.append(f"last probe: {plain(row.probe_output)}")
        return " · ".join(parts)

    def _first_cause(self) -> Text:
        """Where the trouble begins, and the line of output that most likely says it; empty where nothing is wrong."""
        why, lines = self._why, []
        if why.culprit and why.culprit != why.row.service:
            lines.append(Text(f"It begins with {why.culprit}: {plain(why.first_cause)}"))
        elif why.first_cause and why.first_cause not in why.headline:
            lines.append(Text(plain(why.first_cause)))
        if why.error_line:
            lines.append(Text("It said: ") + _readable(why.error_line))
        return Text("\n").join(lines)

    def _link(self, event: Event) -> Text:
        whose = f"{event.service}: " if event.service and event.service != self._why.row.service else ""
        text = Text.assemble((f"{clock(event.at)}  ", "dim"), f"{whose}{plain(event.describe())}")
        if is_bad(event):
            text.stylize("bold", 14)
        return text


def _readable(line: str) -> Text:
    """A line as it was written; one that is JSON as what it says."""
    folded = fold(line)
    if folded is None:
        return coloured(line)
    rest = (f"{key}={value}" for key, value in folded.rest)
    return Text(harmless(" ".join(filter(None, (folded.level, folded.message, *rest)))))
