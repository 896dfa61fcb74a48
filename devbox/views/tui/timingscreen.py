"""Where the seconds of the last start went: a bar for each replica, and the chain that decided the whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Label

from devbox.domain.timing import Timing, Timings
from devbox.views.tui.factview import FactView
from devbox.views.tui.keybar import KeyBar
from devbox.views.tui.timeline import clock

_PARTS = (("waiting", "dim"), ("prepare", "busy"), ("start", "bar"), ("until ready", "good"))
"""The parts of a start in their order, each with its style."""

_SIGNS = "·░▒█"
_LEAST_BAR, _SECONDS = 10, 9


class TimingsView(FactView):
    """Draws the bars on one scale, as wide as there is room."""

    def show_timings(self, found: Timings) -> None:
        """Show where the seconds went."""
        rows = list(self._rows_of_all(found)) if found.services else []
        self.show(found.at, rows, "Nothing was started yet since the supervisor is there.")

    def _rows_of_all(self, found: Timings) -> Iterator[Text]:
        decided = Text.assemble(
            f" {found.seconds:.2f} s from {clock(found.at)}, decided by ", (" → ".join(found.chain), "bold")
        )
        yield decided
        legend = (
            Text.assemble((f" {sign} {name} ", self._part(f"fact--{style}")))
            for sign, (name, style) in zip(_SIGNS, _PARTS, strict=True)
        )
        yield Text("").join(legend)
        yield Text()
        several = {each.service for each in found.services if each.replica > 1}
        names = [
            f"{each.service}-{each.replica}" if each.service in several else each.service for each in found.services
        ]
        width = min(24, max(map(len, names)))
        for name, each in zip(names, found.services, strict=True):
            yield self._row(name[:width].ljust(width), each, found)

    def _row(self, name: str, timing: Timing, found: Timings) -> Text:
        room = max(_LEAST_BAR, self.room - len(name) - _SECONDS - 2 - min(28, self.room // 4))
        decides = timing.service in found.chain
        text = Text.assemble(" ", (name, self._part("fact--head") if decides else ""), " ")
        for sign, long, (_, style) in zip(_SIGNS, _shares(timing, found.seconds, room), _PARTS, strict=True):
            text.append(sign * long, self._part(f"fact--{style}"))
        text.append(" " * max(0, room - (text.cell_len - len(name) - 2)))
        text.append(f"{timing.total:6.2f} s ")
        return text.append(_note(timing), self._part("fact--dim" if timing.ready else "fact--bad"))


class TimingsScreen(Screen[None]):
    """The answer to one question, as it stood when it was asked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,T", "close", "back", key_display="esc", id="back", tooltip="Back to where you were"),
    ]

    def __init__(self, found: Timings) -> None:
        super().__init__()
        self._found = found
        self._view = TimingsView(id="timings")

    def compose(self) -> ComposeResult:
        yield Label(" What the last start waited for", id="heading", markup=False)
        yield self._view
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        self._view.focus()
        self._view.show_timings(self._found)

    @on(FactView.Resized)
    def _resized(self) -> None:
        self._view.show_timings(self._found)

    def action_close(self) -> None:
        self.dismiss()


def _shares(timing: Timing, whole: float, room: int) -> list[int]:
    """The columns of each part; what took any time at all is seen."""
    scale, at, ends = room / whole if whole > 0 else 0.0, 0.0, [0]
    for seconds in (timing.waiting, timing.prepare, timing.start, timing.until_ready):
        at += seconds
        ends.append(min(room, round(at * scale)))
    long = [end - begin for begin, end in pairwise(ends)]
    return long if any(long) else [0, 0, 0, 1]


def _note(timing: Timing) -> str:
    if not timing.ready:
        return "not ready yet"
    return f"{timing.waiting:.2f} s for {timing.waited_for}" if timing.waited_for else ""
