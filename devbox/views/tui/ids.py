"""The ids in a line of a log: what a request is followed by across the mesh."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from devbox.domain import logids
from devbox.views.tui.clean import plain

_NAMED = re.compile(r"([\w.-]+?)\s*[=:]\s*\"?([\w./+-]{1,80})")
_NAMES = re.compile(
    r"(?i)(?:trace|span|request|req|correlation|session|transaction|tx|message|msg|job|order|user|customer|event)"
    r"[_.-]?id$|^(?:id|rid|order|job|trace|request|x-request-id|uuid)$|[a-z]_id$|[a-z]Id$"
)
_MOST = 12


@dataclass(frozen=True, slots=True)
class Id:
    """An id, and what the line calls it; empty where it does not."""

    value: str
    name: str = ""


def ids_in(line: str) -> list[Id]:
    """The ids that a line has, likeliest first: known kinds, what is named like one, then any other value."""
    text = plain(line)
    fields = _fields(text)
    known = [Id(each.value, each.name) for each in logids.ids_in(text)]
    named = [Id(value, name) for name, value in fields if _NAMES.search(name)]
    found = sorted(known, key=lambda each: each.name in _UNNAMED) + named
    found += [Id(value, name) for name, value in fields if name.lower() not in _DULL and any(map(str.isdigit, value))]
    kept: list[Id] = []
    for each in found:
        if len(each.value) > 1 and not any(each.value in other.value for other in kept):
            kept.append(each)
    return kept[:_MOST]


_UNNAMED = ("id", "uuid", "ulid")
"""What the kinds are called of ids that have no name in their line."""

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
