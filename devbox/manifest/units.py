"""The ways in which Compose writes durations and sizes."""

from __future__ import annotations

import re

_SECOND = 1_000_000_000
_UNITS = {
    "h": 3600 * _SECOND, "m": 60 * _SECOND, "s": _SECOND, "ms": 1_000_000, "us": 1_000, "µs": 1_000, "ns": 1,
}  # fmt: skip
"""Nanoseconds in each: whole numbers, so that what was written is what is read again."""

_LONGEST_DURATION = 100
_SIZES = "bkmgtp"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"(\d*)(?:\.(\d*))?(ms|us|µs|ns|h|m|s)", re.ASCII)


def duration(text: str) -> float | None:
    """The seconds in a duration such as `1m30s`, `500ms` or `0`; None when it is none."""
    rest, nanos = text.strip(), 0
    if rest == "0":
        return 0.0
    if not rest or len(rest) > _LONGEST_DURATION:
        return None
    while rest:
        part = _PART.match(rest)
        if part is None or not (part[1] or part[2]):
            return None
        whole, fraction, unit = part[1], part[2] or "", _UNITS[part[3]]
        nanos += _rounded(int(whole + fraction) * unit, 10 ** len(fraction))
        rest = rest[part.end() :]
    return nanos / _SECOND


def as_duration(seconds: float) -> str:
    """Seconds as Compose writes them: `1m30s`, `500ms`, `20ns`."""
    numerator, denominator = seconds.as_integer_ratio()
    nanos = _rounded(numerator * _SECOND, denominator)
    for unit in ("ns", "us", "ms"):
        if 0 < nanos < _UNITS[unit] * 1_000:
            return _decimal(nanos, _UNITS[unit]) + unit
    minutes, rest = divmod(nanos, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes or hours else ""]
    return "".join(parts) + _decimal(rest, _SECOND) + "s"


def _rounded(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


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
