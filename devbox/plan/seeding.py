"""What is to be applied to a service's data, and whom an error is blamed on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from devbox.domain.spec import SeedFile


@dataclass(frozen=True, slots=True)
class SeedRecord:
    """What is known of a service's data: `mark` tells these data from others; `done` names what was applied to them.

    Once `complete`, nothing more is: data that have been in use are not seeded.
    """

    mark: str
    done: tuple[str, ...] = ()
    complete: bool = False


def to_apply(files: Sequence[SeedFile], record: SeedRecord) -> tuple[SeedFile, ...]:
    """The files that these data are still to begin with, in order."""
    return () if record.complete else tuple(file for file in files if file.shown not in record.done)


def left_out(files: Sequence[SeedFile], record: SeedRecord) -> tuple[str, ...]:
    """The files that came too late for these data."""
    return tuple(file.shown for file in files if file.shown not in record.done) if record.complete else ()


def blame(file: SeedFile, path: str, output: str) -> str:
    """The first error in what a client said, with the file and line as people know them.

    `path` is what the file was called where the client ran. Clients write `FILE:3: words`, `FILE: line 3: words` or, as
    the seed's `line` says, words with the number among them.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    where = re.compile(rf"(?:{re.escape(path)}|<stdin>)(?::|: line |: )(\d+)(?::\d+)?:?\s*(.*)")
    for line in lines:
        if match := where.search(line):
            return f"{file.shown}:{match[1]}: {' '.join(match[2].split()) or line}"
    for line in lines if file.line else ():
        if match := re.search(file.line, line):
            return f"{file.shown}:{match[1]}: {line}"
    last = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "it failed without a word")
    return f"{file.shown}: {last}"
