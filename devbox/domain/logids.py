"""The ids in a line of log by which the path of one request can be followed across services."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAMED = re.compile(
    r"(?i)[\"']?\b((?:x-)?(?:trace|span|request|correlation|transaction|session|message|order|job|req|txn|tx|user)"
    r"[-_. ]?id|traceid|spanid|requestid|traceparent)\b[\"']?\s*[=:]\s*[\"']?([\w\-./+]{4,128})"
)
_UUID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_TRACEPARENT = re.compile(r"\b[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\b")
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)(?=\d*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{24})\b")
_ULID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")


@dataclass(frozen=True, slots=True)
class Id:
    """An id, and what the line calls it (`trace_id`, `uuid`, ...). `start` is where it is in the line."""

    name: str
    value: str
    start: int


def ids_in(line: str) -> tuple[Id, ...]:
    """The ids in a line, in their order, each once."""
    found: dict[str, Id] = {}

    def add(name: str, value: str, start: int) -> None:
        if value not in found or found[value].name in ("uuid", "id", "ulid"):
            found[value] = Id(name, value, start)

    for match in _TRACEPARENT.finditer(line):
        add("trace id", match[1], match.start(1))
        add("span id", match[2], match.start(2))
    for match in _UUID.finditer(line):
        add("uuid", match[0], match.start())
    for match in _ULID.finditer(line):
        add("ulid", match[0], match.start())
    for match in _HEX.finditer(line):
        add("id", match[0], match.start())
    for match in _NAMED.finditer(line):
        if not _TRACEPARENT.fullmatch(match[2]):
            add(match[1].lower(), match[2].rstrip(".,"), match.start(2))
    return tuple(sorted(found.values(), key=lambda each: each.start))
