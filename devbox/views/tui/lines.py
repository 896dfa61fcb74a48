"""From a line as a service wrote it to a line that can be drawn: harmless, coloured, JSON made readable."""

from __future__ import annotations

import json
import re
from typing import Any

from rich.text import Text

from devbox.views.plain import harmless

_LONGEST = 4000
"""Characters of one line that are drawn; the rest is there, but not shown."""

_LEVEL_KEYS = ("level", "severity", "lvl", "levelname", "log.level")
_MESSAGE_KEYS = ("message", "msg", "event", "text")
_TIME_KEYS = ("time", "timestamp", "ts", "@timestamp", "asctime")

_LEVELS = {
    "trace": ("TRACE", "dim"),
    "debug": ("DEBUG", "dim"),
    "info": ("INFO ", "green"),
    "notice": ("INFO ", "green"),
    "warn": ("WARN ", "yellow"),
    "warning": ("WARN ", "yellow"),
    "error": ("ERROR", "bold red"),
    "fatal": ("FATAL", "bold red"),
    "critical": ("FATAL", "bold red"),
}
_CLOCK = re.compile(r"(\d{2}:\d{2}:\d{2})(?:[.,](\d{1,3}))?")


def drawn(raw: str) -> Text:
    """A line ready to be drawn."""
    line = harmless(raw[:_LONGEST].expandtabs(4))
    if line.startswith("{") and line.endswith("}") and (fields := _fields(line)):
        return _folded(fields)
    text = Text.from_ansi(line) if "\x1b" in line else Text(line)
    text.no_wrap = True
    return text


def _fields(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) and _take(dict(fields), _MESSAGE_KEYS) is not None else {}


def _folded(fields: dict[str, Any]) -> Text:
    """`12:01:02.345 INFO  message key=value`, from the keys that the common libraries use."""
    at, level, message = _take(fields, _TIME_KEYS), _take(fields, _LEVEL_KEYS), _take(fields, _MESSAGE_KEYS)
    text = Text(no_wrap=True)
    if at is not None and (match := _CLOCK.search(str(at))):
        text.append(f"{match[1]}.{(match[2] or '0').ljust(3, '0')} ", "dim")
    if level is not None:
        word, style = _LEVELS.get(str(level).lower(), (str(level)[:5].upper().ljust(5), ""))
        text.append(f"{word} ", style)
    text.append(_one_line(message))
    for key, value in fields.items():
        text.append(f" {key}=", "dim")
        text.append(_one_line(value), "dim")
    return text


def _one_line(value: Any) -> str:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return harmless(written.replace("\n", "⏎"))


def _take(fields: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if name in fields:
            return fields.pop(name)
    return None
