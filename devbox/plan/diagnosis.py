"""From what is known of a replica to the first cause of its trouble, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devbox.domain.instance import Outage
from devbox.domain.spec import UnitKey
from devbox.domain.status import FailureKind, Health, Hold, Phase
from devbox.plan.state import State, UnitState


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`culprit` is the service where the trouble begins; `first_cause` says what is wrong with it; empty: nothing.

    Where a runtime is out of reach, that is the culprit, and `outage` tells of it.
    """

    culprit: str = ""
    first_cause: str = ""
    outage: Outage | None = None


_CODES = {
    125: "the engine could not start it",
    126: "its command is not executable",
    127: "its command was not found",
    130: "interrupted (SIGINT)",
    134: "it aborted (SIGABRT)",
    137: "killed (SIGKILL): by somebody, or for want of memory",
    139: "it crashed: invalid memory access (SIGSEGV)",
    143: "asked to end (SIGTERM)",
}

CRASHES = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
"""Signals that a program brings upon itself."""

_TRY = {
    FailureKind.OUT_OF_MEMORY: "Give it more memory (`mem_limit`), or find what it keeps: `devbox stats {name}`.",
    FailureKind.PORT_TAKEN: "End the process that holds the port, or give {name} another one.",
    FailureKind.COMMAND_NOT_FOUND: "Mend `command` of {name}, or install what it names.",
    FailureKind.NOT_EXECUTABLE: "Make the command of {name} executable, or mend `command`.",
    FailureKind.DIRECTORY_MISSING: "Create the directory, or mend `working_dir` of {name}.",
    FailureKind.KILLED: "See who killed it; `devbox restart {name}` starts it again.",
}

# The line with which each runtime says what went wrong, most telling first.
_ERROR_LINES = (
    re.compile(r"^(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b(?::.*)?$"),  # Python, Node
    re.compile(r"^(?:Exception in thread |Caused by: )"),  # Java
    re.compile(r"^(?:panic: |fatal error: )"),  # Go
    re.compile(r"^thread '.*' (?:\(\d+\) )?panicked at "),  # Rust
    re.compile(r"\b(?:FATAL|CRITICAL|PANIC)\b"),
    re.compile(r"\b(?:ERROR|[Ee]rror|[Ee]xception|denied|[Rr]efused|No space left|not found|[Cc]annot|[Ff]ailed)\b"),
)


def diagnose(state: State, holds: Mapping[UnitKey, Hold], unit: UnitState) -> Diagnosis:
    """Where the trouble of a replica begins: in itself, or in what it waits for, however far down that is."""
    seen: set[UnitKey] = set()
    here = unit
    while here.key not in seen:
        seen.add(here.key)
        hold = holds.get(here.key)
        below = [] if hold is None or here.failure is not None else state.of_service(hold.waits_for)
        worse = next((other for other in below if not other.ready and other.phase is not Phase.COMPLETED), None)
        if worse is None:
            break
        here = worse
    outage = state.outage_of(here)
    if outage is not None and (here.failure is None or here.failure.kind is FailureKind.ENGINE):
        return Diagnosis(outage.runtime, outage.message, outage)
    what = _trouble(here)
    return Diagnosis(here.key.service, what) if what else Diagnosis()


def _trouble(unit: UnitState) -> str:
    failure = unit.failure
    if failure is not None:
        told = failure.kind is FailureKind.OUT_OF_MEMORY or failure.signal is not None
        words = "" if told else ending_in_words(failure.exit_code)
        return f"{failure.message} ({words})" if words else failure.message
    if unit.phase is Phase.RUNNING and unit.health is Health.UNHEALTHY:
        return f"unhealthy: {unit.probe_output}" if unit.probe_output else "unhealthy"
    if not unit.wanted and unit.since:
        return f"it is stopped: {unit.why}"
    if unit.phase is Phase.RUNNING and unit.paused:
        return "it is paused"
    return ""


def ending_in_words(code: int | None) -> str:
    """What an exit code of the shell's and the engine's convention means; empty for one that has no meaning."""
    return _CODES.get(code, "") if code is not None else ""


def error_line(lines: Sequence[str]) -> str:
    """The line among a service's last ones that most likely says what went wrong; empty where none does."""
    for pattern in _ERROR_LINES:
        for at in reversed(range(len(lines))):
            if pattern.search(lines[at].strip()):
                rust = "panicked at" in lines[at] and at + 1 < len(lines)
                return f"{lines[at].strip()} {lines[at + 1].strip()}" if rust else lines[at].strip()
    return ""


def try_next(unit: UnitState) -> str:
    """What a person can do about a replica's trouble; empty where nothing is wrong."""
    name, failure = unit.key.service, unit.failure
    if failure is not None and failure.signal in CRASHES:
        return f"{name} crashed by itself: look at its last lines, or run its command under a debugger."
    if failure is not None and failure.kind in _TRY:
        return failure.hint or _TRY[failure.kind].format(name=name)
    if failure is not None:
        return failure.hint or f"`devbox logs {name}` has the rest; `devbox restart {name}` tries again."
    if unit.phase is Phase.RUNNING and unit.health is Health.UNHEALTHY:
        return f"Mend what the probe found, or its `health`; `devbox logs {name}` has what it said itself."
    return f"`devbox start {name}` starts it." if not unit.wanted and unit.since else ""
