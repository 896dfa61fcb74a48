"""Everything that happens to a mesh, as a closed union of facts.

An event that was caused by another says by which (`cause` is the other's seq), so that the question *why* is a walk up
that chain. `describe` puts a body into words; `notable` tells whether it belongs in a person's timeline.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from devbox.domain.instance import Observed, Outage, Ref
from devbox.domain.spec import Unit, UnitKey
from devbox.domain.status import Failure, Health, Intent
from devbox.domain.step import Op, Step
from devbox.domain.watching import Part, WatchAction, duration, file_list

UNSAVED = {"saved": False}
"""Metadata of fields that are not written to the journal: they hold secrets, or can be had elsewhere."""


@dataclass(frozen=True, slots=True)
class SupervisorStarted:
    """A supervisor took charge of the project."""

    pid: int

    def describe(self) -> str:
        return f"supervisor started (pid {self.pid})"


@dataclass(frozen=True, slots=True)
class SpecApplied:
    """The manifest was read anew: these units are what the mesh shall be."""

    files: tuple[str, ...]
    changed: tuple[str, ...]
    units: tuple[Unit, ...] = field(default=(), metadata=UNSAVED)

    def describe(self) -> str:
        what = f": {', '.join(self.changed)}" if self.changed else ", nothing changed"
        return f"manifest loaded{what}"


@dataclass(frozen=True, slots=True)
class IntentChanged:
    """Somebody wants services to run, to be stopped or to be gone. `by` is who or what: `devbox up`, `r in the panel`.

    An empty `services` means all of them. `signal` and `grace`, where given, override how they are stopped.
    """

    intent: Intent
    services: tuple[str, ...]
    by: str
    signal: str | None = None
    grace: float | None = None

    def describe(self) -> str:
        return f"{self.by} asked for {_names(self.services)} to {_WANTED[self.intent]}"


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """Somebody wants services to be started afresh, whatever they are doing now. `grace` is as in IntentChanged."""

    services: tuple[str, ...]
    by: str
    grace: float | None = None

    def describe(self) -> str:
        return f"{self.by} asked for a restart of {_names(self.services)}"


@dataclass(frozen=True, slots=True)
class ReloadRequested:
    """Watched files changed, and the service makes way for a new one of itself: never one that nobody wants to run.

    `files` are the first of `count`, relative to the project. With `cascade`, those that need the service follow it.
    """

    service: str
    rule: str
    action: WatchAction
    files: tuple[str, ...]
    count: int = 1
    cascade: bool = False

    def describe(self) -> str:
        return f"{file_list(self.files, self.count)} changed"


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a change led to is done: `seconds` after the end of the first write, of which `parts` tell the course."""

    service: str
    rule: str
    action: WatchAction
    files: tuple[str, ...]
    count: int
    seconds: float
    parts: tuple[Part, ...] = ()
    note: str = ""

    def describe(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"{_RELOADED[self.action]} in {duration(self.seconds)}: {file_list(self.files, self.count)}{note}"


@dataclass(frozen=True, slots=True)
class ReloadFailed:
    """A change could not be brought to the service, or it did not come up with it; `why` in words."""

    service: str
    rule: str
    action: WatchAction
    files: tuple[str, ...]
    count: int
    why: str
    tail: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    def describe(self) -> str:
        return f"{self.action} failed after {file_list(self.files, self.count)} changed: {self.why}"


@dataclass(frozen=True, slots=True)
class WatchNoted:
    """Something a person should know about watching: that it polls, that a limit was reached. With a way out."""

    text: str
    hint: str = ""
    service: str = ""

    def describe(self) -> str:
        return f"{self.text}. {self.hint}" if self.hint else self.text


@dataclass(frozen=True, slots=True)
class Outdated:
    """An instance is no longer what would be made of the same spec now, or somebody wants it made anew."""

    ref: Ref
    key: UnitKey
    why: str

    def describe(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True)
class PauseChanged:
    """Somebody had an instance frozen, or thawed."""

    ref: Ref
    key: UnitKey
    paused: bool
    by: str

    def describe(self) -> str:
        return f"{self.by} {'paused' if self.paused else 'resumed'} it"


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step was handed to its runtime."""

    step: Step

    def describe(self) -> str:
        return f"{_DOING[self.step.op]}: {self.step.cause}"


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step is done. START says which instance it made."""

    step: str
    op: Op
    key: UnitKey
    observed: Observed | None = None

    def describe(self) -> str:
        if self.observed is not None and self.observed.pid is not None and self.op is Op.START:
            return f"started (pid {self.observed.pid})"
        return _DONE[self.op]


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step could not be done, or was cancelled because it is no longer wanted (then `failure` is None)."""

    step: str
    op: Op
    key: UnitKey
    failure: Failure | None

    def describe(self) -> str:
        if self.failure is None:
            return f"{self.op} was cancelled"
        return f"could not {self.op}: {self.failure.message}"


@dataclass(frozen=True, slots=True)
class InstanceSeen:
    """A runtime saw an instance: found again after a supervisor's death, or ended (then `tail` has its last lines)."""

    observed: Observed
    tail: tuple[str, ...] = ()

    def describe(self) -> str:
        if self.observed.alive:
            pid = f" (pid {self.observed.pid})" if self.observed.pid else ""
            return f"found running{pid}"
        return self.observed.ending()


@dataclass(frozen=True, slots=True)
class InstanceGone:
    """An instance that was known is no longer there at all."""

    ref: Ref
    key: UnitKey

    def describe(self) -> str:
        return "disappeared"


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """The probes' verdict on an instance changed; `output` is what the last probe said."""

    ref: Ref
    key: UnitKey
    health: Health
    output: str

    def describe(self) -> str:
        if self.health is Health.NONE:
            return f"runs, though {self.output}"
        return f"{self.health}: {self.output}" if self.output else str(self.health)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What became of the seed of a service's data, in words."""

    key: UnitKey
    words: str

    def describe(self) -> str:
        return f"seed: {self.words}"


@dataclass(frozen=True, slots=True)
class OldOneServes:
    """A new instance that was to take over did not come to that; the old one goes on serving."""

    key: UnitKey
    why: str

    def describe(self) -> str:
        return f"the old one serves: {self.why}"


@dataclass(frozen=True, slots=True)
class Slept:
    """A service that starts on demand was put to sleep; `ref` names the instance that was frozen."""

    key: UnitKey
    ref: Ref
    why: str

    def describe(self) -> str:
        return f"sleeps: {self.why}"


@dataclass(frozen=True, slots=True)
class Woken:
    """Somebody needs a service that sleeps."""

    key: UnitKey
    why: str

    def describe(self) -> str:
        return f"wakes: {self.why}"


@dataclass(frozen=True, slots=True)
class Signalled:
    """Somebody had a signal sent to a service that goes on running."""

    key: UnitKey
    signal: str
    by: str

    def describe(self) -> str:
        return f"{self.by} sent {self.signal}"


@dataclass(frozen=True, slots=True)
class MemoryExceeded:
    """A process uses more memory than it may (bytes), on a machine where it cannot be kept from that."""

    key: UnitKey
    used: int
    limit: int

    def describe(self) -> str:
        return f"uses {self.used >> 20} MB, over its limit of {self.limit >> 20} MB, which can only be watched here"


@dataclass(frozen=True, slots=True)
class LogRoomChanged:
    """The disk that logs are kept on is full, or has room again (`room`). `folder` is where they are."""

    folder: str
    room: bool

    def describe(self) -> str:
        if self.room:
            return f"there is room for logs again in {self.folder}"
        return (
            f"no room for logs: the disk of {self.folder} is full. What processes print now is lost, and a write that "
            "fails may end them; what containers print comes later, out of the engine's own logs"
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """A step under way tells how far it is: bytes pulled, build steps. Never journalled."""

    step: str
    key: UnitKey
    text: str
    done: int | None = None
    total: int | None = None

    def describe(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RuntimeUnreachable:
    """What runs some of the services no longer answers. What runs there is as it was last seen, or it is not."""

    outage: Outage

    def describe(self) -> str:
        return self.outage.message


@dataclass(frozen=True, slots=True)
class RuntimeReachable:
    """A runtime that could not be reached answers again, and what is there was looked at."""

    runtime: str

    def describe(self) -> str:
        return f"{self.runtime} answers again"


@dataclass(frozen=True, slots=True)
class SupervisorStopping:
    """The supervisor ends; `by` says at whose word."""

    by: str

    def describe(self) -> str:
        return f"supervisor ends: {self.by}"


Body = (
    SupervisorStarted
    | SpecApplied
    | IntentChanged
    | RestartRequested
    | ReloadRequested
    | Reloaded
    | ReloadFailed
    | WatchNoted
    | Outdated
    | PauseChanged
    | StepStarted
    | StepFinished
    | StepFailed
    | InstanceSeen
    | InstanceGone
    | HealthChanged
    | Seeded
    | OldOneServes
    | Slept
    | Woken
    | Signalled
    | MemoryExceeded
    | LogRoomChanged
    | Progress
    | RuntimeUnreachable
    | RuntimeReachable
    | SupervisorStopping
)


@dataclass(frozen=True, slots=True)
class Event:
    """A fact, in its place in the one order of facts.

    `seq` counts from 1 over the life of the project's journal. `at` is seconds since the epoch. `service` is empty for
    what concerns the whole mesh. `cause` is the seq of the event that led to this one; 0: none is known.
    """

    seq: int
    at: float
    service: str
    cause: int
    body: Body

    def describe(self) -> str:
        return self.body.describe()


def service_of(body: Body) -> str:
    """The name of the service a body is about; empty for the whole mesh or for several services at once."""
    match body:
        case StepStarted(step):
            return step.key.service
        case InstanceSeen(observed):
            return observed.key.service
        case StepFinished() | StepFailed() | InstanceGone() | HealthChanged() | Signalled() | Progress():
            return body.key.service
        case Outdated() | PauseChanged() | Seeded() | OldOneServes() | Slept() | Woken() | MemoryExceeded():
            return body.key.service
        case ReloadRequested() | Reloaded() | ReloadFailed() | WatchNoted():
            return body.service
        case IntentChanged(services=(name,)) | RestartRequested(services=(name,)):
            return name
        case _:
            return ""


_WANTED = {Intent.RUN: "run", Intent.STOP: "stop", Intent.REMOVE: "go away"}
_DOING = {
    Op.PREPARE: "preparing",
    Op.START: "starting",
    Op.SWITCH: "switching to the new one",
    Op.STOP: "stopping",
    Op.REMOVE: "removing",
}
_DONE = {
    Op.PREPARE: "prepared",
    Op.START: "started",
    Op.SWITCH: "the new one serves",
    Op.STOP: "stopped",
    Op.REMOVE: "removed",
}

_RELOADED = {
    WatchAction.RESTART: "reloaded",
    WatchAction.REBUILD: "rebuilt and restarted",
    WatchAction.SYNC: "synced",
    WatchAction.SYNC_RESTART: "synced and restarted",
    WatchAction.SYNC_EXEC: "synced, command run",
    WatchAction.EXEC: "command run",
    WatchAction.SIGNAL: "told to reload",
}


def _names(services: tuple[str, ...]) -> str:
    return ", ".join(services) if services else "everything"
