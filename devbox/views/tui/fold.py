"""Log lines that are JSON objects, folded to what a person reads: time, level, message, and the rest."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any

_TIMES = ("time", "ts", "timestamp", "@timestamp", "t", "asctime")
_LEVELS = ("level", "severity", "lvl", "levelname", "log.level")
_MESSAGES = ("msg", "message", "event", "text")

_WORDS = {
    "trace": "TRACE",
    "debug": "DEBUG",
    "info": "INFO",
    "information": "INFO",
    "notice": "INFO",
    "warn": "WARN",
    "warning": "WARN",
    "error": "ERROR",
    "err": "ERROR",
    "fatal": "FATAL",
    "critical": "FATAL",
    "panic": "FATAL",
}
_NUMBERS = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL"}
"""The levels of pino and bunyan."""

_CLOCK = re.compile(r"\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Folded:
    """A JSON log line. `clock` is HH:MM:SS or empty, `level` one of TRACE … FATAL or empty."""

    clock: str
    level: str
    message: str
    rest: tuple[tuple[str, str], ...]


def fold(line: str) -> Folded | None:
    """A log line that is a JSON object with a message; None for any other line."""
    if not (line.startswith("{") and line.rstrip().endswith("}")):
        return None
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    message = _take(data, _MESSAGES)
    if message is None:
        return None
    at, level = _take(data, _TIMES), _take(data, _LEVELS)
    return Folded(_clock(at), _level(level), _word(message), tuple((key, _word(value)) for key, value in data.items()))


def spread_out(line: str) -> list[str]:
    """A log line that is JSON, as the rows that show it spread out; none for any other line."""
    if not line.startswith(("{", "[")):
        return []
    try:
        return json.dumps(json.loads(line), ensure_ascii=False, indent=2).split("\n")
    except (ValueError, RecursionError):
        return []


def _take(data: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if name in data:
            return data.pop(name)
    return None


def _level(value: Any) -> str:
    if isinstance(value, int):
        return _NUMBERS.get(value, "")
    return _WORDS.get(str(value).lower(), str(value)[:5].upper()) if value is not None else ""


def _clock(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_epoch(float(value))
    found = _CLOCK.search(str(value))
    return found[0] if found else ""


def _of_epoch(seconds: float) -> str:
    if seconds > 1e11:
        seconds /= 1000  # milliseconds, as JavaScript counts
    try:
        return time.strftime("%H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return ""


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
