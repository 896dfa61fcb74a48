"""One measured figure, its limit, and how it is printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement: what, how much, in what unit, and the most it may be. `beside` is the floor of the same run."""

    what: str
    value: float
    unit: str
    limit: float
    beside: str = ""

    @property
    def good(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "ok  " if self.good else "OVER"
        beside = f"   ({self.beside})" if self.beside else ""
        return f"{verdict}  {self.what:<58} {self.value:9.3f} {self.unit:<3} of {self.limit:g}{beside}"


def median_of(work: Callable[[], object], rounds: int) -> float:
    """The median time of some work, in seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
