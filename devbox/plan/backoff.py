"""How long a service that keeps ending is left alone before the next try."""

from __future__ import annotations

import zlib

from devbox.domain.spec import UnitKey

LONG_LIFE = 10.0
"""Seconds of life after which an end is no longer held against a service; the same as Docker's restart manager."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_JITTER = 0.2


def pause(key: UnitKey, attempts: int) -> float:
    """Seconds to wait after `attempts` ends in a row: none after the first, then doubling, at most 30.

    Spread by up to a fifth so that services which died together do not come back together; the spread follows from
    the replica's name and the count, so that the same history gives the same plan.
    """
    if attempts <= 1:
        return 0.0
    base = min(_LONGEST_PAUSE, _FIRST_PAUSE * float(2 ** min(attempts - 2, 16)))
    share = (zlib.crc32(f"{key}#{attempts}".encode()) % 1000) / 1000
    return base * (1 - _JITTER * share)
