"""Giving the oldest part of a log back to the disk while services go on writing to its end.

Services append to files that they hold open, so a log can neither be renamed nor cut short without losing a line or
telling them. It can have a hole: the blocks are freed, the size and every offset stay.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02  # fallocate(2)
_F_PUNCHHOLE = 99  # fcntl(2) of macOS
_ALIGNMENT = 4096


def free(path: Path, end: int) -> bool:
    """Free what a file holds before offset `end`; False where its file system cannot do that."""
    length = end - end % _ALIGNMENT
    if length <= 0:
        return True
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return _punch(file, length)
    finally:
        os.close(file)


def _punch(file: int, length: int) -> bool:
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(file, _F_PUNCHHOLE, struct.pack("IIqq", 0, 0, 0, length))
        except OSError:
            return False
        return True
    import ctypes

    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if fallocate is None:
        return False
    fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return bool(fallocate(file, _PUNCH_HOLE | _KEEP_SIZE, 0, length) == 0)
