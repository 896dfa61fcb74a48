"""Merged logs and what happens to services, as lines of text."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Collection
from typing import TextIO

from devbox.control.protocol import Changed, PendingChange, PendingChanged, Row
from devbox.domain.event import (
    Event,
    HealthChanged,
    InstanceSeen,
    RuntimeReachable,
    RuntimeUnreachable,
    StepFailed,
)
from devbox.domain.log import LogChunk
from devbox.domain.status import Health
from devbox.views.progress import Pace

_COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")

_CONTROL = re.compile(
    r"\x1b\[[0-9;]*m"  # colour stays
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # titles, clipboards, device strings
    r"|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]"
)


def harmless(line: str) -> str:
    """A line that can only colour a terminal: not clear it, move about, set its title or write its clipboard.

    Of a line that was overwritten by carriage returns, as progress bars do, the last state stays.
    """
    if line.isprintable():
        return line
    line = line.rstrip("\r").rsplit("\r", 1)[-1]
    return _CONTROL.sub(lambda match: match[0] if match[0].startswith("\x1b[") and match[0].endswith("m") else "", line)


class LogPrinter:
    """Writes log chunks as lines, each with the name of its service in front, as wide as the widest."""

    def __init__(
        self, out: TextIO, services: Collection[str], *, colour: bool, prefix: bool = True, timestamps: bool = False
    ) -> None:
        self._out, self._colour, self._prefix, self._timestamps = out, colour, prefix, timestamps
        self._width = max(map(len, services), default=0)
        self._terminal = out.isatty()

    def chunk(self, chunk: LogChunk) -> None:
        """Write the lines of a chunk, in one go: harmless ones to a terminal, to anything else as they are."""
        head = self._head(chunk) if self._prefix else ""
        if self._timestamps:
            head += time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(chunk.at)) + f".{int(chunk.at % 1 * 1000):03} "
        lines = [harmless(line) for line in chunk.lines] if self._terminal else chunk.lines
        end = "\x1b[0m\n" if self._colour else "\n"
        self._out.write("".join(f"{head}{line}{end if chr(27) in line else chr(10)}" for line in lines))
        self._out.flush()

    def _head(self, chunk: LogChunk) -> str:
        name = chunk.service if chunk.replica == 1 else f"{chunk.service}-{chunk.replica}"
        self._width = max(self._width, len(name))
        text = f"{name:<{self._width}} │ "
        if not self._colour:
            return text
        return f"\x1b[{_COLOURS[zlib.crc32(chunk.service.encode()) % len(_COLOURS)]}m{text}\x1b[0m"


class ProgressPrinter:
    """Tells on stderr how a start goes: a line whenever a service gets somewhere or into trouble."""

    def __init__(self, out: TextIO, began: float) -> None:
        self._out, self._began = out, began
        self._states: dict[str, str] = {}
        self._pace = Pace()

    def events(self, events: Collection[Event]) -> None:
        """Say what steps under way tell of themselves: layers that are pulled, steps of a build."""
        for service, line in self._pace.lines(events):
            self._out.write(f"  {time.time() - self._began:6.2f} s  {service}  {harmless(line)}\n")
        self._out.flush()

    def rows(self, rows: Collection[Row], now: float, *, silent: bool = False) -> None:
        """Say which of these rows are in a state worth a line that they were not in before."""
        for row in rows:
            if self._states.get(row.name) != row.state:
                self._states[row.name] = row.state
                if row.state in _WORTH_A_LINE and not silent:
                    note = f"  {row.note}" if row.note else ""
                    self._out.write(f"  {now - self._began:6.2f} s  {row.name}  {row.state}{note}\n")
                    self._out.flush()


_WORTH_A_LINE = frozenset(
    {"running", "healthy", "completed", "failed", "crashing", "unhealthy", "waiting", "backoff", "stopped"}
)


def remarks(frame: Changed | PendingChanged) -> list[str]:
    """What in a frame a person who reads logs should be told, in a line each."""
    if isinstance(frame, PendingChanged):
        return _saved(frame.pending) if frame.pending is not None else []
    return [": ".join(filter(None, (event.service, event.describe()))) for event in frame.events if _remarkable(event)]


def _saved(pending: PendingChange) -> list[str]:
    if pending.problems:
        lines = [line for problem in pending.problems for line in problem.splitlines()]
        return [f"{pending.file} was saved and is broken; nothing was changed", *lines]
    return [f"{pending.file} was saved; `devbox up -d` would", *(f"  {step}" for step in pending.plan)]


def _remarkable(event: Event) -> bool:
    match event.body:
        case InstanceSeen(observed):
            return not observed.alive
        case HealthChanged(health=health):
            return health is Health.UNHEALTHY
        case StepFailed(failure=failure):
            return failure is not None
        case RuntimeUnreachable() | RuntimeReachable():
            return True
    return False
