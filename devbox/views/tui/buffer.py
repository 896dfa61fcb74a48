"""The lines that a log view holds: bounded, oldest dropped in blocks, found again by a number that never changes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devbox.domain.log import UNKNOWN, Level, LogChunk
from devbox.views.tui.clean import LONGEST, shorten

MOST_LINES = 200_000
MOST_CHARACTERS = 32_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """Whose lines: a replica's name, and whether they came on stderr. A `mark` is a line that the person drew."""

    name: str
    service: str
    stderr: bool
    mark: bool = False


MARK = Source("", "", stderr=False, mark=True)


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was written. `at` is when it was seen (seconds since the epoch).

    `letter` is the one of `LogChunk.levels`: how grave it is, and whether it continues the record of the line before.
    """

    source: Source
    at: float
    text: str
    letter: str = UNKNOWN

    @property
    def level(self) -> Level | None:
        """How grave it is; a line of a stack trace is as grave as what it belongs to. None where it is not known."""
        return Level.of_letter(self.letter)


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that came together: they are kept as they came, and cost no more than their text."""

    source: Source
    at: float
    lines: Sequence[str]
    levels: str
    characters: int

    def line(self, place: int) -> Line:
        return Line(self.source, self.at, self.lines[place], self.levels[place : place + 1] or UNKNOWN)


class Buffer:
    """Lines by number: a number is never given twice. Lines that came are numbered from 0, older ones below that."""

    def __init__(self, most: int = MOST_LINES) -> None:
        self._blocks: list[_Block] = []
        self._starts: list[int] = []
        self._most = most
        self._characters = 0
        self.first = self.end = 0

    def __len__(self) -> int:
        return self.end - self.first

    def __getitem__(self, number: int) -> Line:
        place = bisect_right(self._starts, number) - 1
        block = self._blocks[place]
        return block.line(number - self._starts[place])

    def numbered(self, start: int) -> Iterator[tuple[int, Line]]:
        """The lines from number `start` on."""
        start = max(start, self.first)
        for place in range(max(0, bisect_right(self._starts, start) - 1), len(self._blocks)):
            block, begins = self._blocks[place], self._starts[place]
            for offset in range(max(0, start - begins), len(block.lines)):
                yield begins + offset, block.line(offset)

    def add(self, chunk: LogChunk, source: Source) -> None:
        """Take in a chunk; the oldest lines go when there are too many."""
        self._append(_block(source, chunk.at, chunk.lines, chunk.levels))

    def mark(self, at: float, text: str) -> None:
        """Draw a line below the last one."""
        self._append(_block(MARK, at, (text,)))

    def put_before(self, chunks: Sequence[tuple[LogChunk, Source]]) -> None:
        """Put older chunks, oldest first, before the first line. The newest lines go when there are too many."""
        blocks = [_block(source, chunk.at, chunk.lines, chunk.levels) for chunk, source in chunks if chunk.lines]
        starts, at = [], self.first - sum(len(block.lines) for block in blocks)
        self.first = at
        for block in blocks:
            starts.append(at)
            at += len(block.lines)
        self._blocks[:0], self._starts[:0] = blocks, starts
        self._characters += sum(block.characters for block in blocks)
        while self._too_much() and len(self._blocks) > 1:
            self.end = self._starts.pop()
            self._characters -= self._blocks.pop().characters

    def clear(self) -> None:
        """Forget every line; numbers go on."""
        self.first = self.end
        self._blocks.clear()
        self._starts.clear()
        self._characters = 0

    def _append(self, block: _Block) -> None:
        if not block.lines:
            return
        self._blocks.append(block)
        self._starts.append(self.end)
        self.end += len(block.lines)
        self._characters += block.characters
        if self._too_much():
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Drop a tenth more than need be, so that it is not done for every chunk."""
        gone = 0
        while self._too_much(0.9) and gone < len(self._blocks) - 1:
            self._characters -= self._blocks[gone].characters
            gone += 1
            self.first = self._starts[gone]
        del self._blocks[:gone], self._starts[:gone]

    def _too_much(self, share: float = 1.0) -> bool:
        return len(self) > self._most * share or self._characters > MOST_CHARACTERS * share


def _block(source: Source, at: float, lines: Sequence[str], levels: str = "") -> _Block:
    if max(map(len, lines), default=0) > LONGEST:
        lines = tuple(map(shorten, lines))
    return _Block(source, at, lines, levels, sum(map(len, lines)))
