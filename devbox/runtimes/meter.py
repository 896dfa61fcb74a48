"""From counters that only grow to what was used since they were last read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from devbox.domain.instance import Ref, Sample


@dataclass(frozen=True, slots=True)
class Counters:
    """What an instance has used so far: CPU seconds and bytes, and what it holds now. None: it cannot be known here."""

    cpu: float
    memory: int
    memory_limit: int | None = None
    net_rx: int | None = None
    net_tx: int | None = None
    disk_read: int | None = None
    disk_write: int | None = None
    open_files: int | None = None


class Meter:
    """Keeps the last reading of each instance: a rate needs two."""

    def __init__(self) -> None:
        self._before: dict[Ref, tuple[float, Counters]] = {}

    def samples(self, read: Mapping[Ref, Counters]) -> dict[Ref, Sample]:
        """What these instances used since the reading before; nothing yet at their first one."""
        now = time.monotonic()
        samples = {ref: _sample(self._before.get(ref, (now, each)), now, each) for ref, each in read.items()}
        self._before = {ref: (now, each) for ref, each in read.items()}
        return samples


def _sample(before: tuple[float, Counters], now: float, read: Counters) -> Sample:
    at, last = before

    def rate(old: float | None, new: float | None) -> float | None:
        if old is None or new is None:
            return None
        return max(0.0, (new - old) / (now - at)) if now > at else 0.0

    return Sample(
        cpu=100 * (rate(last.cpu, read.cpu) or 0.0),
        memory=read.memory,
        memory_limit=read.memory_limit,
        net_rx=rate(last.net_rx, read.net_rx),
        net_tx=rate(last.net_tx, read.net_tx),
        disk_read=rate(last.disk_read, read.disk_read),
        disk_write=rate(last.disk_write, read.disk_write),
        open_files=read.open_files,
    )
