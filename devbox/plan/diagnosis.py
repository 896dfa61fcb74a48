"""From what is known of a replica to the first cause of its trouble, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devbox.domain.event import Event, InstanceSeen
from devbox.domain.instance import Outage
from devbox.domain.spec import UnitKey
from devbox.domain.status import FailureKind, Health, Hold, Phase
from devbox.plan.state import State, UnitState


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`culprit` is the service where the trouble begins; `first_cause` says what is wrong with it; empty: nothing.

    Where a runtime is out of reach, that is the culprit, and `outage` tells of it. `path` leads from the replica that
    was asked about to the culprit. Where that runs again, `lapse` is the event that began it.
    """

    culprit: str = ""
    first_cause: str = ""
    outage: Outage | None = None
    path: tuple[UnitKey, ...] = ()
    lapse: Event | None = None


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

_LAPSE = 10.0
"""Seconds within which the end of a dependency, which runs again by now, is what its dependent died of."""

_OF_OTHERS = (FailureKind.EXITED, FailureKind.CRASH_LOOP)
"""Failures that may come from what a service needs. The others have a cause of their own."""

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


def diagnose(state: State, holds: Mapping[UnitKey, Hold], unit: UnitState, events: Sequence[Event] = ()) -> Diagnosis:
    """Where the trouble of a replica begins: in itself, or in what it needs, however far down that is.

    `events` are the latest of the mesh, oldest first: what a dependency that runs again had come to is found there.
    """
    path = [unit]
    while (deeper := _below(state, holds, path[-1])) is not None and deeper not in path:
        path.append(deeper)
    here, keys = path[-1], tuple(each.key for each in path)
    outage = state.outage_of(here)
    if outage is not None and (here.failure is None or here.failure.kind is FailureKind.ENGINE):
        return Diagnosis(outage.runtime, outage.message, outage, keys)
    if (lapse := _lapse(here, events)) is not None and isinstance(lapse.body, InstanceSeen):
        key = lapse.body.observed.key
        return Diagnosis(key.service, f"{lapse.describe()}; it was started again", None, (*keys, key), lapse)
    what = _trouble(here)
    return Diagnosis(here.key.service, what, None, keys) if what else Diagnosis()


def _below(state: State, holds: Mapping[UnitKey, Hold], here: UnitState) -> UnitState | None:
    """The dependency that a replica waits for, or whose trouble came before its own and may have caused it."""
    hold = holds.get(here.key)
    if hold is not None and here.failure is None:
        below = state.of_service(hold.waits_for)
        worse = [each for each in below if not each.ready and each.phase is not Phase.COMPLETED]
    elif _may_come_from_others(here):
        needed = [each for need in here.needs for each in state.of_service(need.service)]
        worse = [each for each in needed if _ails(each) and _is_earlier(each, here)]
    else:
        worse = []
    return min(worse, key=lambda each: each.cause, default=None)


def _may_come_from_others(unit: UnitState) -> bool:
    if unit.failure is not None:
        return unit.failure.kind in _OF_OTHERS
    return unit.phase is Phase.RUNNING and unit.health is Health.UNHEALTHY


def _ails(unit: UnitState) -> bool:
    return unit.phase is not Phase.COMPLETED and not unit.asleep and bool(_trouble(unit))


def _is_earlier(dependency: UnitState, unit: UnitState) -> bool:
    """Whether a dependency's trouble began first. In a crash loop only the last end of many is known."""
    return dependency.attempts > 1 or dependency.cause < unit.cause


def _lapse(unit: UnitState, events: Sequence[Event]) -> Event | None:
    """The bad end of a dependency shortly before a replica's own trouble began."""
    began = next((event.at for event in reversed(events) if event.seq == unit.cause), None)
    if began is None or not _may_come_from_others(unit):
        return None
    needed = {need.service for need in unit.needs}
    for event in reversed(events):
        if event.seq < unit.cause and isinstance(event.body, InstanceSeen):
            seen = event.body.observed
            if seen.key.service in needed and not seen.alive and not seen.succeeded and event.at >= began - _LAPSE:
                return event
    return None


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
