"""What every replica uses, measured always, so that its history is there when somebody asks."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from array import array
from collections.abc import Callable, Mapping

from devbox.domain.errors import DevboxError
from devbox.domain.instance import Ref, Sample
from devbox.domain.measure import MetricsHistory
from devbox.domain.spec import UnitKey
from devbox.plan.state import State
from devbox.runtimes.base import Runtime

EVERY = 2.0
"""Seconds from one measurement to the next."""

_KEPT = 450
"""Measurements kept of each replica: a quarter of an hour."""

_SPARE = 50
"""Measurements beyond that which may pile up before the oldest are dropped, all at once."""

_SERIES = ("cpu", "memory", "net_rx", "net_tx", "disk_read", "disk_write", "open_files")

log = logging.getLogger(__name__)

Listener = Callable[[Mapping[UnitKey, Sample]], None]


class Recorder:
    """Measures what is alive every two seconds. `latest` holds the last sample of each live replica."""

    def __init__(self, runtimes: Mapping[str, Runtime], every: float = EVERY) -> None:
        self._runtimes, self._every = runtimes, every
        self._histories: dict[UnitKey, _History] = {}
        self._listeners: list[Listener] = []
        self.latest: dict[UnitKey, Sample] = {}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` told of each round from now on; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def history(self, key: UnitKey) -> MetricsHistory:
        """What a replica used over the last quarter of an hour, whatever lives it had in it."""
        known = self._histories.get(key)
        return known.told() if known is not None else MetricsHistory()

    async def run(self, state: Callable[[], State]) -> None:
        """Measure until cancelled. A round that took too long costs rounds, it never makes them pile up."""
        due = time.monotonic()
        while True:
            await self._measure(state())
            due = max(due + self._every, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _measure(self, state: State) -> None:
        keys: dict[Ref, UnitKey] = {}
        for unit in state:
            if (current := unit.current) is not None and current.alive:
                keys[current.ref] = unit.key
        at, samples = time.time(), {}
        for name, runtime in list(self._runtimes.items()):
            refs = [ref for ref in keys if ref.runtime == name]
            try:
                for ref, sample in (await runtime.stats(refs)).items() if refs else ():
                    samples[keys[ref]] = sample
            except (DevboxError, OSError) as exc:
                log.info("measuring %s failed: %s", name, exc)
        self.latest = samples
        for key, sample in samples.items():
            self._histories.setdefault(key, _History()).note(at, sample)
        for gone in self._histories.keys() - state.units.keys():
            del self._histories[gone]
        for listener in list(self._listeners):
            listener(samples)


class _History:
    """The measurements of one replica, in arrays: four bytes for each value."""

    def __init__(self) -> None:
        self.times = array("d")
        self.series = {name: array("f") for name in _SERIES}
        self.memory_limit: int | None = None

    def note(self, at: float, sample: Sample) -> None:
        self.times.append(at)
        self.memory_limit = sample.memory_limit
        for name, values in self.series.items():
            value = getattr(sample, name)
            values.append(math.nan if value is None else value)
        if len(self.times) > _KEPT + _SPARE:
            for values in (self.times, *self.series.values()):
                del values[:-_KEPT]

    def told(self) -> MetricsHistory:
        known = {name: _known(values[-_KEPT:]) for name, values in self.series.items()}
        return MetricsHistory(
            times=tuple(self.times[-_KEPT:]),
            cpu=known["cpu"],
            memory=known["memory"],
            memory_limit=self.memory_limit,
            net_rx=known["net_rx"],
            net_tx=known["net_tx"],
            disk_read=known["disk_read"],
            disk_write=known["disk_write"],
            open_files=known["open_files"],
        )


def _known(values: array[float]) -> tuple[float, ...]:
    """The values; none where not one was measured, and 0 for a single one that was not."""
    if all(map(math.isnan, values)):
        return ()
    return tuple(0.0 if math.isnan(value) else round(value, 2) for value in values)
