"""Every error devbox raises on purpose.

    DevboxError
    ├── UsageError            the command line asks for something that makes no sense
    ├── ManifestError         the manifest is wrong; carries every problem found, with its place
    ├── StepError             a runtime could not carry out a step; carries a Failure
    ├── EngineUnavailable     a container engine cannot be reached
    ├── NotRunning            nothing of this project runs, and the command needs it to
    └── ControlError          the supervisor answered with an error, or not in time

Each has a message that names the thing and the place, and where there is one, a hint that says what to do next.
Exit codes belong to the command line (`devbox.cli.diagnostics`), not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devbox.domain.status import Failure


class DevboxError(Exception):
    """An error that a person can act on: what is wrong, and what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DevboxError):
    """The command line asks for something that makes no sense here."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a manifest: its place, the line itself, and a hint.

    `line` and `column` count from 1; 0 means the file as a whole. `source` is the text of the line, without its
    newline, and may be empty when there is no line to show. `width` is how many columns the caret underlines.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    source: str = ""
    width: int = 1

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        parts = [f"{place}: {self.message}"]
        if self.source:
            margin = f"{self.line:>5} | "
            pad = "".join("\t" if c == "\t" else " " for c in self.source[: self.column - 1])
            parts.append(f"{margin}{self.source}")
            parts.append(f"{' ' * (len(margin) - 2)}| {pad}{'^' * max(1, self.width)}")
        if self.hint:
            parts.append(f"      hint: {self.hint}")
        return "\n".join(parts)


class ManifestError(DevboxError):
    """The manifest is wrong. `problems` holds everything that was found, in file order.

    `looked_at` are the paths of files that it was read from, or would have been if they had been there.
    """

    def __init__(self, problems: Sequence[Problem], looked_at: Sequence[str] = ()) -> None:
        self.problems, self.looked_at = tuple(problems), tuple(looked_at)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StepError(DevboxError):
    """A runtime could not carry out a step."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, hint=failure.hint)
        self.failure = failure


class EngineUnavailable(DevboxError):
    """A container engine cannot be reached. `address` is where it was looked for."""

    def __init__(self, message: str, *, hint: str = "", address: str = "") -> None:
        super().__init__(message, hint=hint)
        self.address = address


class NotRunning(DevboxError):
    """Nothing of this project runs, and the command needs it to."""


class ControlError(DevboxError):
    """The supervisor answered with an error, or not in time."""
