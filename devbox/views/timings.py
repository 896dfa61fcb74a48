"""The answer to `devbox timings`, as text."""

from __future__ import annotations

from devbox.domain.timing import Timing, Timings

_BAR = 30
_WIDTH = 80
_SIGNS = ("·", "░", "▒", "█")
"""Of waiting, preparing, starting, and being on the way to ready."""


def chart(found: Timings) -> str:
    """A bar for each replica, on one scale; below, the chain that decided the whole."""
    if not found.services:
        return "nothing was started yet"
    several = {each.service for each in found.services if each.replica > 1}
    names = [f"{each.service}-{each.replica}" if each.service in several else each.service for each in found.services]
    width = min(20, max(map(len, names)))
    lines = [f"{'':{width}}  {'· waiting  ░ prepare  ▒ start  █ until ready'}"]
    for name, each in zip(names, found.services, strict=True):
        lines.append(
            f"{name[:width]:{width}}  {_bar(each, found.seconds):{_BAR}} {each.total:6.2f} s{_note(each)}"[:_WIDTH]
        )
    return "\n".join([*lines, "", f"{found.seconds:.2f} s, decided by {' → '.join(found.chain)}"])


def _bar(timing: Timing, whole: float) -> str:
    """The parts of one start, each as long as its share of the whole; what took any time at the end is seen."""
    scale = _BAR / whole if whole > 0 else 0.0
    ends, at = [], 0.0
    for seconds in (timing.waiting, timing.prepare, timing.start, timing.until_ready):
        at += seconds
        ends.append(min(_BAR, round(at * scale)))
    begins = [0, *ends]
    return "".join(sign * (end - begin) for sign, begin, end in zip(_SIGNS, begins, ends, strict=False)) or "▏"


def _note(timing: Timing) -> str:
    if not timing.ready:
        return "  not ready yet"
    return f"  {timing.waiting:.2f} s for {timing.waited_for}" if timing.waited_for else ""
