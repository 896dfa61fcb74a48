"""What a build prints: which step is under way, which one failed, and what that one said.

A builder that does several steps at once mixes their output, so each step's is kept by itself.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from devbox.domain.errors import StepError
from devbox.domain.status import Failure, FailureKind

_TAIL = 20
"""Lines of a failed step that are kept."""


class BuildOutput(Protocol):
    """The output of one build, line by line."""

    def take(self, line: str) -> str:
        """Note a line; what of it is worth telling a person, empty where it is nothing."""
        ...

    def failed(self, image: str, words: str = "") -> StepError:
        """The build's end in failure: with the step that failed, and the last lines that this step printed."""
        ...


@dataclass
class EngineOutput:
    """The output of an engine's own builder, which does one step after the other."""

    _step: str = ""
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))

    def take(self, line: str) -> str:
        line = _ERRORS_IN_RED.sub("", line)
        if match := _ENGINE_STEP.match(line):
            self._step = match[1]
            self._lines.clear()
        elif not line.startswith(_ENGINE_TALK):
            self._lines.append(line)
        return line

    def failed(self, image: str, words: str = "") -> StepError:
        return _failure(image, self._step, [*self._lines, words])


_ENGINE_STEP = re.compile(r"(?:Step|STEP) \d+/\d+ ?: (.*)")
_ERRORS_IN_RED = re.compile(r"\x1b\[(?:91|0)m")
_ENGINE_TALK = (" ---> ", "Removing intermediate container ")


@dataclass
class BuildKitOutput:
    """The plain output of BuildKit: each line begins with the number of its step."""

    _names: dict[str, str] = field(default_factory=dict)
    _lines: dict[str, deque[str]] = field(default_factory=dict)
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    _failed: str = ""

    def take(self, line: str) -> str:
        match = _BUILDKIT_LINE.match(line)
        if match is None:
            if line.strip("- "):
                self._last.append(line)
            return line
        number, text = match.groups()
        if number not in self._names:
            self._names[number] = text
            return text
        if text.startswith("sha256:") or text == "...":
            return ""
        if printed := _PRINTED.match(text):
            return self._keep(number, printed[1])
        if text.startswith("ERROR: "):
            self._failed = self._failed or number
            return self._keep(number, text.removeprefix("ERROR: "))
        return text

    def _keep(self, number: str, text: str) -> str:
        self._lines.setdefault(number, deque(maxlen=_TAIL)).append(text)
        return text

    def failed(self, image: str, words: str = "") -> StepError:
        if not self._failed:
            return _failure(image, "", [*self._last, words])
        step = _PLACE.sub("", self._names[self._failed])
        return _failure(image, step, [*self._lines[self._failed], words])


_BUILDKIT_LINE = re.compile(r"#(\d+) (.+)")
_PRINTED = re.compile(r"\d+\.\d+ (.*)")
_PLACE = re.compile(r"^\[[^]]*\] ")


def _failure(image: str, step: str, lines: list[str]) -> StepError:
    words = f"building {image} failed" + (f" at: {step}" if step else "")
    return StepError(Failure(FailureKind.ENGINE, words, tail=tuple(line for line in lines if line.strip())[-_TAIL:]))
