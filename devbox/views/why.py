"""The answer to `devbox why`, as text."""

from __future__ import annotations

import re
import time

from devbox.control.protocol import Why
from devbox.domain.event import Event
from devbox.views.plain import harmless
from devbox.views.words import icon, paint

_ROUND = 3
"""Links in one round of a crash loop: it ended, it was started, it was to be started."""


def explanation(why: Why, *, colour: bool) -> str:
    """One screen: the answer, since when, the chain of causes (latest first), last words, what it blocks."""
    row = why.row
    head = f"{icon(row.state)} {why.headline}"
    lines = [paint(head, row.state) if colour else head]
    if row.status.since:
        lines.append(f"  since {_clock(row.status.since)}, {row.status.restarts} restarts")
    if row.probe_output and row.probe_output not in why.headline:
        lines.append(f"  last probe: {row.probe_output}")
    if why.culprit and why.culprit != row.service:
        lines.append(f"  it begins with {why.culprit}: {why.first_cause}")
    elif why.first_cause and why.first_cause not in why.headline:
        lines.append(f"  {why.first_cause}")
    if why.error_line:
        lines.append(f"  it said: {harmless(why.error_line)}")
    if why.try_next or why.hint:
        lines.append(f"  {why.try_next or why.hint}")
    if why.tail:
        lines += ["", "Last lines", *(f"  │ {harmless(line)}" for line in why.tail)]
    lines += ["", "Because", *_folded([_link(event, row.service) for event in why.chain])]
    if why.blocks:
        lines += ["", f"Waiting for it: {', '.join(why.blocks)}"]
    return "\n".join(lines)


def _folded(links: list[str]) -> list[str]:
    """The chain, with rounds that only repeat the one before them (a crash loop) told in one line."""
    shown: list[str] = []
    rounds = 0
    at = 0
    while at < len(links):
        if len(shown) >= _ROUND and _same(links[at : at + _ROUND], shown[-_ROUND:]):
            rounds, at = rounds + 1, at + _ROUND
            continue
        shown += _repeated(rounds)
        rounds = 0
        shown.append(links[at])
        at += 1
    return [*shown, *_repeated(rounds)]


def _same(links: list[str], others: list[str]) -> bool:
    """Whether two rounds differ in nothing but times and numbers."""
    return [_words(link) for link in links] == [_words(other) for other in others]


def _words(link: str) -> str:
    return re.sub(r"\d+", "#", link)


def _repeated(rounds: int) -> list[str]:
    return [f"  … and the same {rounds} time{'s' if rounds > 1 else ''} before"] if rounds else []


def _link(event: Event, service: str) -> str:
    whose = f"{event.service}: " if event.service and event.service != service else ""
    return f"  {_clock(event.at)}  {whose}{event.describe()}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at % 1 * 1000):03}"
