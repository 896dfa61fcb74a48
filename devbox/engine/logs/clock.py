"""When bytes of a log were seen to be there.

Services write straight into files, which know no times. Whenever a file was seen to have grown, the size and the time
are noted in a small index beside it, so that the logs of many services can be merged by time, also after the fact.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from pathlib import Path

_RECORD = struct.Struct("<Qd")


class GrowthClock:
    """For one log file: pairs of (size, time in seconds since the epoch), both growing, also kept on disk."""

    def __init__(self, log: Path) -> None:
        self._file = log.with_name(f"{log.name}.times")
        # Arrays, not lists: a chatty service adds a record twenty times a second, all day.
        self._sizes = array("Q")
        self._times = array("d")
        self._load()

    @property
    def size(self) -> int:
        """The size up to which times are known."""
        return self._sizes[-1] if self._sizes else 0

    def note(self, size: int, at: float) -> None:
        """The file was seen to have `size` bytes at time `at`."""
        if size <= self.size:
            return
        self._sizes.append(size)
        self._times.append(at)
        with self._file.open("ab") as file:
            file.write(_RECORD.pack(size, at))

    def at(self, offset: int) -> float:
        """When the byte before `offset` was first seen to be there; 0.0 when nothing is known."""
        index = bisect_left(self._sizes, offset)
        return self._times[index] if index < len(self._times) else (self._times[-1] if self._times else 0.0)

    def size_before(self, at: float) -> int:
        """How long the file was, as far as is known, before time `at`."""
        index = bisect_left(self._times, at)
        return self._sizes[index - 1] if index else 0

    def marks(self, start: int, end: int) -> list[tuple[int, float]]:
        """The noted sizes above `start` and below `end`, then `end` itself, each with its time."""
        low = bisect_left(self._sizes, start + 1)
        high = bisect_left(self._sizes, end)
        return [*zip(self._sizes[low:high], self._times[low:high], strict=True), (end, self.at(end))]

    def _load(self) -> None:
        try:
            data = self._file.read_bytes()
        except OSError:
            return
        whole = len(data) - len(data) % _RECORD.size
        for size, at in _RECORD.iter_unpack(data[:whole]):
            self._sizes.append(size)
            self._times.append(at)
