"""Who uses more memory than it may, where nothing but a look keeps it from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devbox.domain.event import Body, MemoryExceeded
from devbox.domain.instance import Sample
from devbox.domain.spec import UnitKey


class Overuse:
    """Posts once when a replica passes its limit, and again only after it was below."""

    def __init__(self, post: Callable[[Body], None]) -> None:
        self._post = post
        self._over: set[UnitKey] = set()

    def look(self, samples: Mapping[UnitKey, Sample]) -> None:
        """Compare a round of samples with their limits."""
        over = {key for key, sample in samples.items() if sample.memory_limit and sample.memory > sample.memory_limit}
        for key in sorted(over - self._over):
            sample = samples[key]
            self._post(MemoryExceeded(key, sample.memory, sample.memory_limit or 0))
        self._over = over
