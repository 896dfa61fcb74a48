"""The lines that a log view holds: bounded, oldest dropped in blocks, found again by a number that never changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devbox.domain.log import LogChunk
from devbox.views.tui.clean import shorten

MOST_LINES = 200_000
MOST_CHARACTERS = 64_000_000
_BLOCK = 10_000


@dataclass(frozen=True, slots=True)
class Source:
    """Whose lines: a replica's name, and whether they came on stderr."""

    name: str
    service: str
    stderr: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was written. `at` is when it was seen (seconds since the epoch)."""

    source: Source
    at: float
    text: str


class Buffer:
    """Lines by number: the first that ever came is 0, and a number is never given twice."""

    def __init__(self, most: int = MOST_LINES) -> None:
        self._lines: list[Line] = []
        self._most = most
        self._characters = 0
        self.first = 0

    @property
    def end(self) -> int:
        """The number that the next line will have."""
        return self.first + len(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, number: int) -> Line:
        return self._lines[number - self.first]

    def numbered(self, start: int) -> Iterator[tuple[int, Line]]:
        """The lines from number `start` on."""
        start = max(start, self.first)
        for offset in range(start - self.first, len(self._lines)):
            yield self.first + offset, self._lines[offset]

    def add(self, chunk: LogChunk, source: Source) -> None:
        """Take in a chunk; the oldest lines go when there are too many."""
        lines = [Line(source, chunk.at, shorten(text)) for text in chunk.lines]
        self._characters += sum(len(line.text) for line in lines)
        self._lines += lines
        self._bound()

    def clear(self) -> None:
        """Forget every line; numbers go on."""
        self.first = self.end
        self._lines.clear()
        self._characters = 0

    def _bound(self) -> None:
        if len(self._lines) > self._most:
            self._drop(len(self._lines) - self._most + min(_BLOCK, self._most // 10))
        while self._characters > MOST_CHARACTERS and len(self._lines) > 1:
            self._drop(min(_BLOCK, max(1, len(self._lines) // 10)))

    def _drop(self, count: int) -> None:
        self._characters -= sum(len(line.text) for line in self._lines[:count])
        del self._lines[:count]
        self.first += count
