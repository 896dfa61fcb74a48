"""Times as logs write them, in seconds since the epoch. A time without a zone is local time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ]+(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)
_CLF = re.compile(r"\[(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]")
_DAY_FIRST = re.compile(r"(\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?")
_MONTH_FIRST = re.compile(r"(\w{3}) (\d{1,2}), (\d{4}),? (\d{1,2}):(\d\d):(\d\d)\s([AP])M")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}
_HEAD = 80


def time_of(value: object) -> float | None:
    """The time that a field holds: text, or a number of seconds, milliseconds, microseconds or nanoseconds."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, dict):
        return time_of(value.get("$date"))
    if isinstance(value, (int, float)):
        return _of_number(float(value))
    text = str(value)
    if text.replace(".", "", 1).isdigit():
        return _of_number(float(text))
    return time_in(text)


def time_in(line: str) -> float | None:
    """The first time in the head of a line; None where there is none."""
    if found := _ISO.search(line, 0, _HEAD):
        year, month, day, hour, minute, second = map(int, found.groups()[:6])
        return _epoch((year, month, day, hour, minute, second), found[7] or "", found[8] or "")
    if (found := _CLF.search(line, 0, _HEAD)) and found[2] in _MONTHS:
        date = (int(found[3]), _MONTHS[found[2]], int(found[1]))
        return _epoch((*date, int(found[4]), int(found[5]), int(found[6])), "", found[7])
    if (found := _DAY_FIRST.search(line, 0, _HEAD)) and found[2] in _MONTHS:
        date = (int(found[3]), _MONTHS[found[2]], int(found[1]))
        return _epoch((*date, int(found[4]), int(found[5]), int(found[6])), found[7] or "", "")
    if (found := _MONTH_FIRST.match(line)) and found[1] in _MONTHS:
        date = (int(found[3]), _MONTHS[found[1]], int(found[2]))
        hour = int(found[4]) % 12 + (12 if found[7] == "P" else 0)
        return _epoch((*date, hour, int(found[5]), int(found[6])), "", "")
    return None


def _of_number(value: float) -> float | None:
    """A number of some unit since the epoch, told by its size; None where it cannot be one of this century."""
    for unit in (1.0, 1e3, 1e6, 1e9):
        if 9e8 <= value / unit < 5e9:
            return value / unit
    return None


def _epoch(parts: tuple[int, int, int, int, int, int], fraction: str, zone: str) -> float | None:
    try:
        moment = datetime(*parts)
        if zone in ("Z", "UTC", "GMT"):
            moment = moment.replace(tzinfo=UTC)
        elif zone:
            moment = datetime.strptime(f"{moment:%Y-%m-%dT%H:%M:%S}{zone.replace(':', '')}", "%Y-%m-%dT%H:%M:%S%z")
        return moment.timestamp() + float(f"0.{fraction or 0}")
    except (ValueError, OverflowError):
        return None
