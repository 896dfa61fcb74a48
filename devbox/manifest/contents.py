"""The bytes of a file, whatever kind of file it is: no more than were asked for, and not after a long wait."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path

PATIENCE = 5.0
"""Seconds that somebody at the other end of a pipe is waited for."""

_PART = 64 * 1024


def content_of(path: Path, most: int) -> bytes:
    """The first `most` bytes of a file. Raises OSError, also when it is a pipe into which nobody writes."""
    # Opening a pipe waits for its other end, unless asked not to.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISFIFO(os.fstat(file).st_mode):
            return _piped(file, most)
        with open(file, "rb", closefd=False) as opened:
            return opened.read(most) or b""
    finally:
        os.close(file)


def _piped(file: int, most: int) -> bytes:
    """What comes out of a pipe until its other end is closed."""
    parts: list[bytes] = []
    room, end = most, time.monotonic() + PATIENCE
    waiting = select.poll()
    waiting.register(file, select.POLLIN)
    while room > 0:
        left = end - time.monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            raise TimeoutError(errno.ETIMEDOUT, f"nobody wrote all of it within {PATIENCE:.0f} s")
        part = os.read(file, min(room, _PART))
        if not part:
            break
        parts.append(part)
        room -= len(part)
    return b"".join(parts)
