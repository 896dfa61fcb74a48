"""What lines in a block of log say about themselves, where each may continue the record of a line before it."""

from __future__ import annotations

from collections.abc import Iterator

from devbox.domain.log import Level, LogChunk
from devbox.domain.logformat import Grouping
from devbox.engine.logs.pattern import Span

_LOOK_BACK = 300
"""Lines to look back for the start of a record that an indented line continues."""

_LOOK_AHEAD = 500
"""Lines of a stack trace that are given out with the line it belongs to."""


def level_at(block: bytes, start: int, end: int) -> Level | None:
    """The level of one line; None where it is not known."""
    return LogChunk("", 0, "", 0, 0.0, ("",), letters_at(block, start, end)).level(0)


def letters_at(block: bytes, start: int, end: int) -> str:
    """The letter of one line. What is indented is read from the start of its record on."""
    line = text_of(block[start:end])
    if not line[:1].isspace():
        return Grouping().letters([line])
    lines = [line]
    for _ in range(_LOOK_BACK):
        if start == 0:
            break
        before = block.rfind(b"\n", 0, start - 1) + 1
        lines.append(text_of(block[before : start - 1]))
        start = before
        if not lines[-1][:1].isspace() and lines[-1]:
            break
    return Grouping().letters(lines[::-1])[-1]


def continuing(block: bytes, start: int, end: int) -> Iterator[Span]:
    """The lines that continue the record of a line."""
    grouping = Grouping()
    grouping.letters([text_of(block[start:end])])
    for _ in range(_LOOK_AHEAD):
        start = end + 1
        if start >= len(block):
            return
        end = block.find(b"\n", start)
        end = len(block) if end < 0 else end
        letter = grouping.letters([text_of(block[start:end])])
        if not (letter.isupper() or letter == "+"):
            return
        yield start, end


def text_of(line: bytes) -> str:
    """A line as it is shown."""
    return line.decode("utf-8", "replace").removesuffix("\r")
