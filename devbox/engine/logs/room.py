"""Whether there is room on the disk for what services print."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from devbox.domain.event import Body, LogRoomChanged

_NONE, _SOME = 64 << 10, 1 << 20
"""Free bytes below which a disk counts as full, and from which on it does no more."""


class Room:
    """Posts when the disk of the logs gets full, and when it has room again."""

    def __init__(self, folder: Path, post: Callable[[Body], None]) -> None:
        self._folder, self._post = folder, post
        self._full = False

    def look(self, _: object) -> None:
        """Look how much is free; called every now and then."""
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:
            # A folder that is not there yet has nothing to lose.
            return
        if (full := free < (_SOME if self._full else _NONE)) is not self._full:
            self._full = full
            self._post(LogRoomChanged(str(self._folder), not full))
