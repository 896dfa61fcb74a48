"""Logs flow beside the events, in chunks, never line by line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Consecutive lines of one stream of one replica, as they were read together.

    `stream` is `stdout` or `stderr`. `first_line` counts the lines of that stream from 0 since the store began.
    `at` is the time (seconds since the epoch) at which the chunk's last line was seen to be there. Lines have no
    newline at their end and hold whatever the service wrote, escape sequences included; bytes that are not UTF-8
    are replaced.
    """

    service: str
    replica: int
    stream: str
    first_line: int
    at: float
    lines: tuple[str, ...]
