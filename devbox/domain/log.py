"""Logs flow beside the events, in chunks, never line by line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How grave a line says it is."""

    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARN = 4
    ERROR = 5
    FATAL = 6

    @property
    def word(self) -> str:
        """`warn`, as it is shown."""
        return self.name.lower()

    @classmethod
    def of_letter(cls, letter: str) -> Level | None:
        """The level that a letter of `LogChunk.levels` stands for; None where it is not known."""
        return _BY_LETTER.get(letter.lower())


_BY_LETTER = {level.word[0]: level for level in Level}

UNKNOWN, UNKNOWN_CONTINUED = "-", "+"
"""The letters of `LogChunk.levels` for lines whose level is not known."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Consecutive lines of one stream of one replica, as they were read together.

    `stream` is `stdout` or `stderr`. `first_line` counts the lines of that stream from 0 since the store began.
    `at` is the time (seconds since the epoch) at which the chunk's last line was seen to be there. Lines have no
    newline at their end and hold whatever the service wrote, escape sequences included; bytes that are not UTF-8
    are replaced.

    `levels` has one letter for each line, or is empty where nobody looked: the first letter of its level (`t`, `d`,
    `i`, `w`, `e`, `f`) or `-`; a capital or `+` where the line continues the record of the line before it, as in a
    stack trace.
    """

    service: str
    replica: int
    stream: str
    first_line: int
    at: float
    lines: tuple[str, ...]
    levels: str = ""

    def level(self, index: int) -> Level | None:
        """The level of a line, where it is known."""
        return Level.of_letter(self.levels[index : index + 1])

    def continues(self, index: int) -> bool:
        """Whether a line belongs to the record of the line before it."""
        letter = self.levels[index : index + 1]
        return letter == UNKNOWN_CONTINUED or letter.isupper()


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines are looked for, of the whole history.

    `services` none: all. `text` is what a line holds, with `regex` a Python regular expression that it matches; either
    is compared without regard to case if `ignore_case` says so. Empty: every line. `level` leaves out what is less
    grave, and what is not known. `since` and `until` (seconds since the epoch) bound when a line was seen. `limit` is
    the most lines that are found: the first, or with `newest_first` the last ones, latest first (then the lines of a
    chunk are in their own order, and the chunks come backwards).
    """

    services: tuple[str, ...] = ()
    text: str = ""
    regex: bool = False
    ignore_case: bool = False
    level: Level | None = None
    since: float | None = None
    until: float | None = None
    limit: int | None = None
    newest_first: bool = False
