"""Where a service is, and how it may move from there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Intent(StrEnum):
    """What a person wants of a service: to run, to be stopped, or to be gone with all that was made for it."""

    RUN = "run"
    STOP = "stop"
    REMOVE = "remove"


class Phase(StrEnum):
    """Where a service is on its way."""

    IDLE = "idle"
    PREPARING = "preparing"
    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"


class Health(StrEnum):
    """How well a running service is. NONE: it has no probe, or does not run."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.IDLE: frozenset(
        {Phase.PREPARING, Phase.STARTING, Phase.RUNNING, Phase.STOPPING, Phase.COMPLETED, Phase.FAILED}
    ),
    Phase.PREPARING: frozenset({Phase.IDLE, Phase.FAILED}),
    Phase.STARTING: frozenset({Phase.RUNNING, Phase.IDLE, Phase.BACKOFF, Phase.COMPLETED, Phase.FAILED}),
    Phase.RUNNING: frozenset(
        {Phase.STOPPING, Phase.BACKOFF, Phase.COMPLETED, Phase.FAILED, Phase.IDLE, Phase.PREPARING}
    ),
    Phase.BACKOFF: frozenset({Phase.IDLE, Phase.PREPARING, Phase.STARTING, Phase.RUNNING, Phase.STOPPING}),
    Phase.STOPPING: frozenset({Phase.IDLE, Phase.RUNNING}),
    Phase.COMPLETED: frozenset({Phase.IDLE, Phase.RUNNING}),
    Phase.FAILED: frozenset({Phase.IDLE, Phase.RUNNING}),
}
"""From each phase, the phases that may come next. Staying where one is is always allowed."""


class IllegalTransition(ValueError):
    """A history asked for a move that the transition table does not have: a bug in devbox, never in a manifest."""


def advance(current: Phase, to: Phase) -> Phase:
    """`to`, if the transition table allows it. Raises IllegalTransition otherwise."""
    if to is not current and to not in TRANSITIONS[current]:
        raise IllegalTransition(f"{current} -> {to}")
    return to


class FailureKind(StrEnum):
    """What sort of thing went wrong, so that a message can say what to try."""

    EXITED = "exited"
    KILLED = "killed"
    OUT_OF_MEMORY = "out-of-memory"
    CRASH_LOOP = "crash-loop"
    COMMAND_NOT_FOUND = "command-not-found"
    NOT_EXECUTABLE = "not-executable"
    DIRECTORY_MISSING = "directory-missing"
    PORT_TAKEN = "port-taken"
    INIT_FAILED = "init-failed"
    ENGINE = "engine"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a service is not where it should be, in words; `tail` holds its last lines of output before that."""

    kind: FailureKind
    message: str
    hint: str = ""
    exit_code: int | None = None
    signal: int | None = None
    tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """A service that is not moving always says why: what it waits for, and the reason in words."""

    service: str
    waits_for: str
    why: str

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True)
class Status:
    """The four questions about a service: is it wanted, where is it, is it well, what does it wait for.

    `since` is the time (seconds since the epoch) of the last change of phase.
    """

    intent: Intent
    phase: Phase
    health: Health
    hold: Hold | None = None
    restarts: int = 0
    since: float = 0.0
    failure: Failure | None = None
