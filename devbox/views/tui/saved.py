"""A manifest that was saved while the mesh runs: what taking it over would do, or what is wrong with it."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from devbox.control.protocol import PendingChange
from devbox.domain.step import Op
from devbox.views.tui.clean import plain

_STEP = re.compile(r"(?P<op>\w+) +(?P<service>\S+)(?: #\d+)?  \((?P<cause>.*)\)(?:  waits: .*)?$")

_MOST_TOLD = 3
"""Services whose cause a sentence has room for."""


def sentence(pending: PendingChange) -> str:
    """What changes and why, as one sentence; of a broken manifest where it begins to be."""
    file = plain(pending.file)
    if pending.problems:
        first, *_ = pending.problems[0].splitlines() or [""]
        # Its path is known by those who saved it; the line is what they need.
        first = re.sub(rf"^\S*/(?={re.escape(file)}:)", "", first)
        more = f" (and {len(pending.problems) - 1} more)" if len(pending.problems) > 1 else ""
        return f"{file} was saved and is broken, nothing was changed: {plain(first)}{more}"
    fates = _fates(pending.plan)
    by_cause: dict[str, list[str]] = {}
    for service, (_, cause) in list(fates.items())[:_MOST_TOLD]:
        by_cause.setdefault(cause, []).append(service)
    told = [f"{', '.join(services)}: {cause}" for cause, services in by_cause.items()]
    if len(fates) > _MOST_TOLD:
        told.append("…")
    return f"{file} was saved: {_counted([verb for verb, _ in fates.values()])} ({', '.join(told)})"


def _fates(plan: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """What becomes of each service that the plan touches, and why."""
    ops: dict[str, set[str]] = {}
    causes: dict[str, str] = {}
    for line in plan:
        if step := _STEP.match(plain(line)):
            ops.setdefault(step["service"], set()).add(step["op"])
            causes.setdefault(step["service"], step["cause"])
    return {service: (_verb(done), causes[service]) for service, done in ops.items()}


def _verb(ops: set[str]) -> str:
    comes, goes = {Op.START, Op.PREPARE} & ops, {Op.STOP, Op.SWITCH} & ops
    if comes and goes:
        return "restart"
    return "start" if comes else "stop" if Op.STOP in ops else "go"


def _counted(verbs: list[str]) -> str:
    """`2 services restart, 1 starts`."""
    counts = [(verb, verbs.count(verb)) for verb in dict.fromkeys(verbs)]
    parts = [
        f"{count} {('service' if count == 1 else 'services') + ' ' if not n else ''}{_agreeing(verb, count)}"
        for n, (verb, count) in enumerate(counts)
    ]
    return ", ".join(parts) or "nothing that runs changes"


def _agreeing(verb: str, count: int) -> str:
    if count > 1:
        return verb
    return "goes" if verb == "go" else f"{verb}s"


class SavedScreen(ModalScreen[bool | None]):
    """The whole plan of a saved manifest, or all of its problems. Dismissed with True to take it over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,A", "close", "close"),
        Binding("a", "take", "apply"),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("g,home", "scroll(-100000)", "top", show=False),
        Binding("G,end", "scroll(100000)", "end", show=False),
    ]

    def __init__(self, pending: PendingChange) -> None:
        super().__init__()
        self._pending = pending

    def compose(self) -> ComposeResult:
        pending, broken = self._pending, bool(self._pending.problems)
        with VerticalScroll(id="dialog") as dialog:
            dialog.border_title = plain(pending.file)
            dialog.border_subtitle = "Esc closes" if broken else "a applies · Esc leaves it"
            if broken:
                yield Static("It was saved and is broken; nothing was changed.", classes="bad")
            else:
                yield Static("It was saved. Taking it over would", classes="heading")
            lines = [plain(line) for text in pending.problems or pending.plan for line in text.split("\n")]
            yield Static(Text("\n".join(lines)), classes="steps")

    def action_take(self) -> None:
        if not self._pending.problems:
            self.dismiss(True)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        self.query_one("#dialog").scroll_relative(y=lines, animate=False)
