"""From the end of a save to the new process answering, as an outside observer sees it, beside what others take.

All run beside each other and are asked in turn, so that all meet the same machine. Tilt is no Python package, and its
Go module is not to be had from the public mirror; what it takes has to be measured where it is installed.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.contenders import BY_HAND, DEVBOX, UVICORN, WATCHFILES, Contender, until
from bench.figures import Figure

SAVES, PAUSE = 100, 0.2
"""Saves of the floor and of devbox, and the seconds before each: the one before is over by then."""

SELDOM = 4
"""The slower ones take part in every so-manyth round."""


def _times() -> dict[str, list[float]]:
    """By name, how long each save took until the new one answered; in ascending order."""
    contenders = (BY_HAND, DEVBOX, WATCHFILES, UVICORN)
    times: dict[str, list[float]] = {each.name: [] for each in contenders}
    with tempfile.TemporaryDirectory() as given, ExitStack() as running:
        for each in contenders:
            (_folder(given, each) / "src").mkdir(parents=True)
            each.save(_folder(given, each), "first")
            running.enter_context(each.how(_folder(given, each), each.port))
            until(each.port, "first")
        for number in range(SAVES):
            for each in contenders if number % SELDOM == 0 else (BY_HAND, DEVBOX):
                time.sleep(PAUSE)
                each.save(_folder(given, each), f"save {number}")
                times[each.name].append(until(each.port, f"save {number}"))
    return {name: sorted(taken) for name, taken in times.items()}


def _folder(given: str, contender: Contender) -> Path:
    return Path(given) / str(contender.port)


def measure() -> list[Figure]:
    """How soon a save runs."""
    times = _times()
    ours = times.pop(DEVBOX.name)
    beside = ", ".join(f"{name} {1000 * median(taken):.0f} ms" for name, taken in times.items())
    late = ours[round(0.95 * (len(ours) - 1))]
    return [
        Figure("a save until the new process answers, median", 1000 * median(ours), "ms", 60.0, beside),
        Figure("a save until the new process answers, 95th percentile", 1000 * late, "ms", 120.0),
    ]
