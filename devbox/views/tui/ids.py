"""The ids in a line of a log: what a request is followed by across the mesh."""

from __future__ import annotations

import json
import re
from typing import Any

from devbox.views.tui.clean import plain

_UUID = re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b")
_TRACEPARENT = re.compile(r"\b[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\b")
_HEX = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b|\b[0-9A-HJKMNP-TV-Z]{26}\b")
_NAMED = re.compile(r"([\w.-]+?)\s*[=:]\s*\"?([\w./+-]{1,80})")
_NAMES = re.compile(
    r"(?i)(?:trace|span|request|req|correlation|session|transaction|tx|message|msg|job|order|user|customer|event)"
    r"[_.-]?id$|^(?:id|rid|order|job|trace|request|x-request-id|uuid)$|[a-z]_id$|[a-z]Id$"
)
_MOST = 12


def ids_in(line: str) -> list[str]:
    """The ids that a line has, likeliest first, each once."""
    text = plain(line)
    found = [trace for trace, _ in _TRACEPARENT.findall(text)]
    found += [value for name, value in _fields(text) if _NAMES.search(name)]
    found += _UUID.findall(text) + _HEX.findall(text)
    found += [value for name, value in _fields(text) if name.lower() not in _DULL and any(map(str.isdigit, value))]
    kept: list[str] = []
    for each in found:
        if len(each) > 1 and not any(each in other for other in kept):
            kept.append(each)
    return kept[:_MOST]


_DULL = frozenset({"ts", "time", "timestamp", "@timestamp", "t", "port", "pid", "level", "ms", "duration", "status"})


def _fields(text: str) -> list[tuple[str, str]]:
    """Names with values: those of a JSON object, however deep, or `name=value` pairs."""
    try:
        data = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        data = None
    return _leaves(data) if isinstance(data, dict) else _NAMED.findall(text)


def _leaves(data: dict[str, Any]) -> list[tuple[str, str]]:
    leaves: list[tuple[str, str]] = []
    for name, value in data.items():
        if isinstance(value, dict):
            leaves += _leaves(value)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            leaves.append((name, str(value)))
    return [(name, value) for name, value in leaves if value and " " not in value]
