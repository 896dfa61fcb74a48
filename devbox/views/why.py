"""The answer to `devbox why`, as text."""

from __future__ import annotations

import time

from devbox.control.protocol import Why
from devbox.domain.event import Event
from devbox.views.words import icon, paint


def explanation(why: Why, *, colour: bool) -> str:
    """One screen: the answer, since when, the chain of causes (latest first), last words, what it blocks."""
    row = why.row
    head = f"{icon(row.state)} {why.headline}"
    lines = [paint(head, row.state) if colour else head]
    if row.status.since:
        lines.append(f"  since {_clock(row.status.since)}, {row.status.restarts} restarts")
    if row.probe_output and row.probe_output not in why.headline:
        lines.append(f"  last probe: {row.probe_output}")
    if why.hint:
        lines.append(f"  {why.hint}")
    lines += ["", "Because", *(_link(event, row.service) for event in why.chain)]
    if why.tail:
        lines += ["", "Last lines", *(f"  │ {line}" for line in why.tail)]
    if why.blocks:
        lines += ["", f"Waiting for it: {', '.join(why.blocks)}"]
    return "\n".join(lines)


def _link(event: Event, service: str) -> str:
    whose = f"{event.service}: " if event.service and event.service != service else ""
    return f"  {_clock(event.at)}  {whose}{event.describe()}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at % 1 * 1000):03}"
