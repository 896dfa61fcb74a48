"""Linux's inotify, straight into the event loop: an event is there the moment a file is closed, and waiting is free.

A library between would wake up every few milliseconds to gather, which costs idle time and adds to every save.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CLOSED, MOVED_FROM, MOVED_TO, CREATED, DELETED = 0x8, 0x40, 0x80, 0x100, 0x200
SELF_GONE = 0x400 | 0x800
OVERFLOW, IGNORED, IS_FOLDER = 0x4000, 0x8000, 0x40000000
_ONLY_FOLDERS = 0x01000000
_MASK = CLOSED | MOVED_FROM | MOVED_TO | CREATED | DELETED | SELF_GONE | _ONLY_FOLDERS
_HEAD = struct.Struct("iIII")
_SETTINGS = Path("/proc/sys")
_LIMITS = {
    errno.EMFILE: ("fs.inotify.max_user_instances", "user.max_inotify_instances"),
    errno.ENOSPC: ("fs.inotify.max_user_watches", "user.max_inotify_watches"),
}
"""The settings that may hold: the machine's, and that of a user namespace."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event: which watch it is of, what happened, and the name in that folder."""

    watch: int
    mask: int
    name: str


class LimitReached(OSError):
    """The kernel gives this user no more watches; `hint` is the command that raises the limit."""

    def __init__(self, number: int) -> None:
        limit, name = min((_limit(name), name) for name in _LIMITS[number])
        super().__init__(number, f"the kernel's limit of {limit} for {name} is reached")
        self.hint = f"`sudo sysctl {name}={max(2 * limit, 1024)}` raises it."


def _limit(name: str) -> int:
    try:
        return int((_SETTINGS / name.replace(".", "/")).read_text())
    except (OSError, ValueError):
        return sys.maxsize


class Inotify:
    """One inotify instance. `fileno` becomes readable when something happened."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            self._fail()

    def fileno(self) -> int:
        return int(self._file)

    def add(self, path: str, mask: int = _MASK) -> int:
        """Watch a folder (not what is below it), or a file with a mask for it; the number that its notices bear.

        Raises OSError, LimitReached.
        """
        number = self._libc.inotify_add_watch(self._file, os.fsencode(path), ctypes.c_uint32(mask))
        if number < 0:
            self._fail()
        return int(number)

    def remove(self, watch: int) -> None:
        self._libc.inotify_rm_watch(self._file, watch)

    def read(self) -> Iterator[Notice]:
        """What happened since the last time."""
        while True:
            try:
                data = os.read(self._file, 1 << 18)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                watch, mask, _, length = _HEAD.unpack_from(data, at)
                at += _HEAD.size
                yield Notice(watch, mask, os.fsdecode(data[at : at + length].rstrip(b"\0")))
                at += length

    def close(self) -> None:
        os.close(self._file)

    def _fail(self) -> None:
        number = ctypes.get_errno()
        if number in (errno.ENOSPC, errno.EMFILE):
            raise LimitReached(number)
        raise OSError(number, os.strerror(number))
