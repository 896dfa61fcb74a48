"""The ways in which Compose writes durations."""

from __future__ import annotations

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
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
    """Seconds as Compose writes them: `1m30s`, `500ms`."""
    if seconds < 1 and seconds:
        return f"{seconds * 1000:g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes or hours else "", f"{rest:g}s"]
    return "".join(parts)
