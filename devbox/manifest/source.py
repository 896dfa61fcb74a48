"""The text of a manifest file, the places in it, and the problems found at them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from devbox.domain.errors import ManifestError, Problem
from devbox.domain.spec import Origin

MOST_PROBLEMS = 100
"""A file that is wrong throughout is not reported to its last line."""
MOST_NOTES = 500

_LONGEST_LINE = 300


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file that was read. `path` is absolute; `name` is how messages call it.

    `base` is what relative paths in it start from, where that is not the directory it is in.
    """

    path: Path
    name: str
    lines: tuple[str, ...] = ()
    base: Path | None = None

    @property
    def directory(self) -> Path:
        """What relative paths in this file start from."""
        return self.base or self.path.parent

    @property
    def devbox_format(self) -> bool:
        """Whether devbox's own keys stand among Compose's, rather than under `x-devbox`."""
        return "compose" not in self.path.name

    def line(self, number: int) -> str:
        """The text of a line, counted from 1; empty outside the file."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A stretch of a source. Lines and columns count from 1; line 0 is the file as a whole."""

    source: Source
    line: int = 0
    column: int = 1
    end_line: int = 0
    end_column: int = 1

    @property
    def origin(self) -> Origin:
        return Origin(str(self.source.path), self.line, self.column)

    @property
    def width(self) -> int:
        """How many columns of the first line it covers."""
        end = self.end_column if self.end_line == self.line else len(self.source.line(self.line)) + 1
        return max(1, end - self.column)

    @property
    def text(self) -> str:
        """What is written there."""
        lines = [self.source.line(number) for number in range(self.line, self.end_line + 1)]
        if lines:
            lines[-1] = lines[-1][: self.end_column - 1]
            lines[0] = lines[0][self.column - 1 :]
        return "\n".join(lines)

    def find(self, fragment: str) -> Place:
        """The first occurrence of `fragment` within this place; the place itself where the text is not literally so."""
        for number in range(self.line, max(self.line, self.end_line) + 1):
            start = self.column - 1 if number == self.line else 0
            at = self.source.line(number).find(fragment, start)
            if at >= 0 and fragment:
                return Place(self.source, number, at + 1, number, at + 1 + len(fragment))
        return self

    def problem(self, message: str, hint: str = "") -> Problem:
        """What is wrong here, in the form a person reads."""
        text, column = self.source.line(self.line), self.column
        if len(text) > _LONGEST_LINE:
            # A caret cannot point into a part of a line, so a very long one is quoted from the place on.
            return Problem(self.source.name, self.line, column, f"{message}: {text[column - 1 :][:60]}…", hint)
        width = min(self.width, max(1, len(text) - column + 1))
        return Problem(self.source.name, self.line, column, message, hint, text, width)

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}" if self.line else self.source.name


@dataclass(slots=True)
class Problems:
    """Collects everything that is wrong, so that it can be told at once."""

    found: list[Problem] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    skipped: int = 0
    """Values that were not looked at, because something had been found wrong with them before."""
    looked_at: set[Path] = field(default_factory=set)
    """Absolute paths of all files that were read, or would have been if they had been there."""

    @property
    def faults(self) -> int:
        """Grows with everything that cannot be used."""
        return len(self.found) + self.skipped

    def add(self, place: Place, message: str, hint: str = "") -> None:
        """One more problem. Raises ManifestError when there are so many that more would help nobody."""
        self.found.append(place.problem(message, hint))
        if len(self.found) > MOST_PROBLEMS:
            self.found[-1] = Problem(
                place.source.name, 0, 0, f"more than {MOST_PROBLEMS} problems; the rest is not shown"
            )
            self.raise_if_any()

    def note(self, place: Place, words: str) -> None:
        """Something the user should know that is not an error."""
        if len(self.notes) < MOST_NOTES:
            self.notes[f"{place}: {words}"] = None

    def remark(self, words: str) -> None:
        """A note that belongs to no line."""
        self.notes[words] = None

    def raise_if_any(self) -> None:
        """Raises ManifestError with every problem, each once, in file order."""
        if not self.found:
            return
        unique = list(dict.fromkeys(self.found))
        order = {name: number for number, name in enumerate(dict.fromkeys(p.file for p in unique))}
        unique.sort(key=lambda p: (order[p.file], p.line, p.column))
        raise ManifestError(unique, sorted(map(str, self.looked_at)))


def display_name(path: Path) -> str:
    """A path as messages show it: relative when it lies under the working directory, unless that is the root."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):
        return str(path)
    return str(path) if relative.startswith("..") or str(path) == f"{os.sep}{relative}" else relative


def nearest(word: str, valid: Iterable[str]) -> str:
    """A hint that names what was probably meant, or all there is when there is little; empty when nothing is near."""
    choices = sorted(set(valid))
    # Comparing takes its time, so that among a great many only those are looked at that begin in the same way.
    likely = choices if len(choices) <= 100 else [each for each in choices if _alike(each, word)][:200]
    near = difflib.get_close_matches(word[:80], likely, n=1, cutoff=0.6)
    if not near:
        near = [choice for choice in choices if choice.lower() == word.lower()]
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known here: {', '.join(choices)}." if 0 < len(choices) <= 12 else ""


def _alike(one: str, other: str) -> bool:
    return one[:1] == other[:1] and abs(len(one) - len(other)) <= 2


def nearest_file(path: Path) -> str:
    """A hint that names the file that was probably meant by one that is not there."""
    try:
        with os.scandir(path.parent) as entries:
            names = {Path(entry.name).stem: entry.name for entry in islice(entries, 500)}
    except (OSError, ValueError):
        return ""
    # Endings are much alike, and say nothing about which one was meant.
    near = difflib.get_close_matches(path.stem[:80], names, n=1, cutoff=0.6)
    return f"Did you mean {names[near[0]]}?" if near else ""
