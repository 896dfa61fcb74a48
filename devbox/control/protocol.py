"""What goes over the supervisor's socket, and what a view may count on.

A subscriber first gets a Snapshot, which stands for everything up to its `seq`, then a Frame for whatever happens
after. A view needs no rules of its own: each frame brings the finished rows that changed. A subscriber that cannot keep
up is not waited for; it gets a new Snapshot in place of what it missed.

`Control` is the whole of what a view is given. `control.client` speaks it to a supervisor's socket.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from devbox.domain.event import Event
from devbox.domain.instance import Outage, Ref, Sample
from devbox.domain.local import LocalRun
from devbox.domain.log import LogChunk, LogQuery
from devbox.domain.measure import MetricsHistory, ProbeResult
from devbox.domain.spec import Group, Port, Unit, UnitKey
from devbox.domain.status import Status
from devbox.domain.timing import Timings


@dataclass(frozen=True, slots=True)
class Row:
    """One replica of one service, ready to be shown.

    `state` is one word for where it is: the phase, or `healthy`, `unhealthy`, `waiting`. `note` is one sentence on what
    is wrong or waited for, or empty. `probe_output` is what the last probe said. `url` is what a browser opens, if
    anything. `sample` is None until it was measured. `replicas` is how many replicas its service has in all.
    `other_form` is the way it could run as well, `process` or `container`; empty where there is one way only.
    `keeps_data`: it has data that outlive its instances.
    """

    service: str
    replica: int
    replicas: int
    runtime: str
    group: Group
    status: Status
    state: str
    note: str = ""
    fingerprint: str = ""
    pid: int | None = None
    exit_code: int | None = None
    started_at: float | None = None
    ports: tuple[Port, ...] = ()
    needs: tuple[str, ...] = ()
    probe_output: str = ""
    url: str = ""
    tasks: tuple[str, ...] = ()
    other_form: str = ""
    keeps_data: bool = False
    sample: Sample | None = None

    @property
    def name(self) -> str:
        """`api` for a service with one replica, `api-2` for the second of several."""
        return self.service if self.replicas == 1 else f"{self.service}-{self.replica}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole mesh as it stands at event `seq`.

    `files` are the manifest's files; `notes` are words for the user; `recent` are the last events up to `seq`.
    `outages` are the runtimes that cannot be reached now, each with the address tried and what to do.
    """

    seq: int
    project: str
    files: tuple[str, ...]
    supervisor_pid: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    recent: tuple[Event, ...] = ()
    outages: tuple[Outage, ...] = ()
    pending: PendingChange | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """Something happened: the events, and every row that is not as it was. `gone` are replicas that are no more."""

    seq: int
    events: tuple[Event, ...]
    rows: tuple[Row, ...]
    gone: tuple[UnitKey, ...] = ()


@dataclass(frozen=True, slots=True)
class OutagesChanged:
    """A runtime went out of reach or came back: all that cannot be reached now. Rows show what was seen last."""

    outages: tuple[Outage, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What replicas use, by `Row.name`. Comes about every two seconds while somebody watches."""

    samples: dict[str, Sample]


@dataclass(frozen=True, slots=True)
class Unmet:
    """A service that did not get where it was asked to be: why, and its last lines of output.

    `service` is empty for what is no service's own: a network that the engine would not remove.
    """

    service: str
    reason: str
    tail: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a command ended: everything it asked for is so, or `unmet` says what is not and why."""

    unmet: tuple[Unmet, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.unmet


@dataclass(frozen=True, slots=True)
class Bye:
    """The supervisor ends: the last frame of every stream."""

    reason: str


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A manifest was saved while the mesh runs, and waits to be taken over, or is broken and changes nothing.

    `file` is what was saved, `plan` what taking it over would do, a line a step with its cause. `problems` are what is
    wrong with it, each as it is printed; then there is no plan.
    """

    file: str
    plan: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingChanged:
    """What waits to be taken over is another change now, or none."""

    pending: PendingChange | None


@dataclass(frozen=True, slots=True)
class ManifestChoice:
    """Which manifest a mesh was brought up from, so that the supervisor can read it again.

    `sources` are all files that count, or would if they were there; `env_file_places` those of them that stand in the
    place of `env_files` where nobody named any, `override_places` those that come after the first of `files` where
    nobody named any. `at_once`: a saved change is taken over without being asked.
    """

    files: tuple[str, ...]
    project: str
    directory: str = ""
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    env_file_places: tuple[str, ...] = ()
    override_places: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """One value that the manifest gives a service. `key` is its path below the service, `origin` file:line:column.

    `overrode` are the places and values that it stands on, nearest first. Secrets are masked.
    """

    key: str
    value: str
    origin: str
    overrode: tuple[tuple[str, str], ...] = ()
    secret: bool = False


Frame = Snapshot | Changed | PendingChanged | OutagesChanged | Measured | LogChunk | Verdict | Bye


class Action(StrEnum):
    """What a command does to the services it names (none named: all).

    APPLY only takes over the manifest, FOLLOW takes over the one that was saved last. FRESH deletes the data of the
    services and starts them again.
    """

    UP = "up"
    FOLLOW = "follow"
    APPLY = "apply"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    KILL = "kill"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SCALE = "scale"
    REMOVE = "rm"
    DOWN = "down"
    FRESH = "fresh"
    RUN_LOCAL = "run-local"
    RUN_CONTAINER = "run-container"


class Recreate(StrEnum):
    """Which instances UP makes anew: those that changed, all it was asked for, or none that runs."""

    CHANGED = "changed"
    ALWAYS = "always"
    NEVER = "never"


class Goal(StrEnum):
    """What a command waits for before its verdict. NOTHING: it returns once it was taken."""

    NOTHING = "nothing"
    STARTED = "started"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person wants done. `by` is who says so, in words that `why` can repeat (`r in the panel`).

    `alone` has UP leave out what the services need. `scale` is for SCALE: services with the replicas they shall have.
    `signal` is for KILL. `grace` (seconds) overrides the services' own for STOP, RESTART and DOWN. `volumes` has DOWN
    delete data too. `timeout` (seconds) bounds the wait for `goal`. `local` is how RUN_LOCAL runs them, where that
    is not as the manifest says.
    """

    action: Action
    services: tuple[str, ...] = ()
    by: str = ""
    goal: Goal = Goal.STARTED
    timeout: float | None = None
    signal: str | None = None
    grace: float | None = None
    volumes: bool = False
    recreate: Recreate = Recreate.CHANGED
    alone: bool = False
    scale: tuple[tuple[str, int], ...] = ()
    local: LocalRun | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The answer to `devbox why`: how the service is, the chain of causes (latest first), last words, what it blocks.

    `headline` is the answer in one sentence. `blocks` names services that wait for this one. `first_cause` is where the
    trouble begins (`culprit` is the service), `error_line` the line of its last ones that most likely says it, and
    `try_next` what a person can do; empty where nothing is wrong.
    """

    row: Row
    headline: str
    chain: tuple[Event, ...]
    tail: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    hint: str = ""
    culprit: str = ""
    first_cause: str = ""
    error_line: str = ""
    try_next: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A replica, whole: what it shall be, and its live instance. For those who put something beside it."""

    unit: Unit | None
    ref: Ref | None


class Control(Protocol):
    """What a view is given: the mesh as a stream, its logs, its commands.

    Every method raises NotRunning when there is no supervisor, ControlError when it fails to answer.
    """

    def frames(self) -> AsyncIterator[Frame]:
        """A Snapshot, then everything that happens, without end; Bye is the last one."""

    def logs(
        self, services: tuple[str, ...] = (), *, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[LogChunk]:
        """Lines of these services (none named: all), merged by time; the last `tail` of each first (None: all)."""

    def search(self, query: LogQuery, *, follow: bool = False) -> AsyncIterator[LogChunk]:
        """The lines of the whole history that a query asks for, merged by time; with `follow` then whatever comes.

        Raises UsageError for a bad pattern.
        """

    async def lines(self, service: str, replica: int, first: int, count: int, *, stream: str = "stdout") -> LogChunk:
        """At most `count` lines of one stream from line `first` on: fewer at its end.

        What was rotated away is skipped, so `first_line` of the answer may be later than `first`.
        """

    async def command(self, command: Command) -> Verdict:
        """Have something done, and wait for its goal."""

    async def why(self, service: str) -> Why:
        """Why a service is as it is. Raises UsageError when there is none of that name."""

    async def probes(self, service: str, replica: int = 1) -> tuple[ProbeResult, ...]:
        """The last 50 probes of a replica's present life, oldest first; none where it has no probe of ours."""

    async def metrics(self, service: str, replica: int = 1) -> MetricsHistory:
        """What a replica used over the last 15 minutes."""

    async def timings(self) -> Timings:
        """Where the seconds of the last start went, and which services decided how long it took."""

    async def config(self, service: str) -> tuple[ConfigValue, ...]:
        """What the manifest says of a service, with where each value comes from."""

    async def close(self) -> None:
        """Let go of the connection. The mesh is not touched."""
