"""The ways in which Compose writes durations and sizes."""

from __future__ import annotations

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_SIZES = "bkmgtp"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)", re.ASCII)


def duration(text: str) -> float | None:
    """The seconds in a duration such as `1m30s`, `500ms` or `0`; None when it is none."""
    rest, total = text.strip(), 0.0
    if rest == "0":
        return 0.0
    if not rest:
        return None
    while rest:
        part = _PART.match(rest)
        if part is None:
            return None
        total += float(part[1]) * _UNITS[part[2]]
        rest = rest[part.end() :]
    return round(total, 9)


def as_duration(seconds: float) -> str:
    """Seconds as Compose writes them: `1m30s`, `500ms`, `20ns`."""
    nanos = round(seconds * 1_000_000_000)
    for unit, size in (("ns", 1), ("us", 1_000), ("ms", 1_000_000)):
        if 0 < nanos < size * 1_000:
            return _decimal(nanos, size) + unit
    minutes, rest = divmod(nanos, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes or hours else ""]
    return "".join(parts) + _decimal(rest, 1_000_000_000) + "s"


def _decimal(number: int, size: int) -> str:
    """`number` parts of a whole of `size` (a power of ten), in full."""
    whole, part = divmod(number, size)
    return f"{whole}.{str(size + part)[1:].rstrip('0')}" if part else str(whole)


def size(text: str) -> int | None:
    """The bytes in a size such as `512m`, `1gb`, `2.5G` or `1048576`, in powers of 1024; None when it is none."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or len(match[1]) > 18:
        return None
    return int(float(match[1]) * 1024 ** max(0, _SIZES.index(match[2].lower() or "b")))
