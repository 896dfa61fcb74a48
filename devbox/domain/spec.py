"""What the manifest asks for, after every default is applied.

All of it is frozen: a spec is compared, hashed into a fingerprint and sent over a socket, never edited.
Durations are seconds. Paths are absolute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from devbox.domain.container import (
    Attachment,
    BuildSpec,
    ContainerOptions,
    FileContent,
    Limits,
    Mount,
    NetworkSpec,
    VolumeSpec,
)
from devbox.domain.watching import WatchRule

HOST_GATEWAY = "host.docker.internal"
"""The name by which a container reaches its host."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the manifest something was said. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Reference:
    """`${service.export}`: a value another service provides, dialled from where its reader stands."""

    service: str
    export: str

    def __str__(self) -> str:
        return f"${{{self.service}.{self.export}}}"


@dataclass(frozen=True, slots=True)
class Template:
    """A text with references in it. After `plan.resolve` every part is a plain string."""

    parts: tuple[str | Reference, ...]

    @classmethod
    def of(cls, text: str) -> Template:
        """A template with no references, whatever `text` holds."""
        return cls((text,))

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def __str__(self) -> str:
        return "".join(map(str, self.parts))


class Until(StrEnum):
    """How far a dependency must have come before its dependent may start."""

    STARTED = "started"
    READY = "ready"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Need:
    """A dependency of one service on another (an entry of Compose's `depends_on`).

    A need that is not `required` is ignored where the service is not part of the mesh. With `restart`, the dependent
    is restarted whenever the dependency was restarted by a person or a change.
    """

    service: str
    until: Until = Until.READY
    required: bool = True
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Port:
    """A port a service listens on.

    `target` is the port inside the container; for a host process it equals the published one unless devbox picks it.
    `published` is the port on the host: None until `engine.ports` has picked one. `host` is the address it is bound to.
    `behind` is where the published one leads inside the container, for a server that serves the host apart from other
    containers, as it tells its clients by which address to come back; None: to `target`.
    """

    target: int
    published: int | None = None
    host: str = "127.0.0.1"
    protocol: str = "tcp"
    behind: int | None = None

    def __str__(self) -> str:
        if self.published is None:
            return f"{self.target}/{self.protocol}"
        return f"{self.host}:{self.published}->{self.target}/{self.protocol}"


class RestartPolicy(StrEnum):
    NO = "no"
    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    UNLESS_STOPPED = "unless-stopped"


@dataclass(frozen=True, slots=True)
class Restart:
    """When a service that ended by itself is started again; `max_attempts` bounds restarts in a row."""

    policy: RestartPolicy = RestartPolicy.NO
    max_attempts: int | None = None

    def wants(self, *, succeeded: bool, attempts: int) -> bool:
        """Whether a service that has just ended is to be started again, after `attempts` restarts in a row."""
        if self.policy is RestartPolicy.NO or (self.policy is RestartPolicy.ON_FAILURE and succeeded):
            return False
        return self.max_attempts is None or attempts < self.max_attempts


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server's certificate is judged: by the authorities in the file `ca` (None: those of this machine).

    `insecure` takes any.
    """

    ca: str | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """Ask for `path`; well when the status lies in `status` (inclusive) and the body matches the regex `body`.

    `port` None means the service's first published port. `headers` are sent along. With `redirects`, what an answer
    leads to is asked, and judged in its place. Where `tls` is not None it is asked over TLS.
    """

    path: str = "/"
    port: int | None = None
    status: tuple[int, int] = (200, 399)
    body: str | None = None
    method: str = "GET"
    headers: tuple[tuple[str, Template], ...] = ()
    redirects: bool = False
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class TcpCheck:
    """Connect to `port` (None: the first published one)."""

    port: int | None = None


@dataclass(frozen=True, slots=True)
class GrpcCheck:
    """Ask gRPC's standard health service on `port` for `service`; empty means the server as a whole.

    Where `tls` is not None it is asked over TLS.
    """

    port: int | None = None
    service: str = ""
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class ExecCheck:
    """Run `argv` where the service runs; well when it exits with 0."""

    argv: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class LogCheck:
    """Well once a line of the service's output matches the regex `pattern`."""

    pattern: str


Check = HttpCheck | TcpCheck | GrpcCheck | ExecCheck | LogCheck


@dataclass(frozen=True, slots=True)
class Probe:
    """How readiness is found out, with Compose's clockwork.

    Until the first success, probes come every `start_interval` or faster and failures within `start_period` do not
    count. After it they come every `interval`; `retries` failures in a row make the service unhealthy. An `assumed`
    one was not asked for: it makes way for a check that an image brings, and where it never succeeded it says nothing
    of how well the service is.
    """

    check: Check
    interval: float = 5.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 30.0
    start_interval: float = 0.25
    assumed: bool = False

    @property
    def templates(self) -> tuple[Template, ...]:
        """The texts in it that may hold references."""
        match self.check:
            case ExecCheck(argv):
                return argv
            case HttpCheck(headers=headers):
                return tuple(value for _, value in headers)
        return ()

    def filled(self, fill: Callable[[Template], Template]) -> Probe:
        """This probe with every template in it replaced by what `fill` makes of it."""
        match self.check:
            case ExecCheck(argv):
                return replace(self, check=ExecCheck(tuple(map(fill, argv))))
            case HttpCheck(headers=headers) if headers:
                filled = tuple((name, fill(value)) for name, value in headers)
                return replace(self, check=replace(self.check, headers=filled))
        return self


@dataclass(frozen=True, slots=True)
class Stop:
    """How a service is asked to end: `signal` first, SIGKILL after `grace` seconds."""

    signal: str = "SIGTERM"
    grace: float = 10.0


@dataclass(frozen=True, slots=True)
class EnvVar:
    """One variable of a service's environment. `secret` values are masked wherever they would be shown."""

    name: str
    value: Template
    secret: bool = False
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class InitCommand:
    """A command that makes fresh data ready, run to its end before the first start.

    It is skipped when `creates` (a path) exists already.
    """

    argv: tuple[Template, ...]
    creates: str


@dataclass(frozen=True, slots=True)
class ProcessRun:
    """Runs on the host, in a session of its own.

    `unprivileged` processes refuse to run as root (PostgreSQL); when devbox is root they run as another user.
    `data_dir` is made before the first start, kept by `down` and removed by `down -v`. `memory` is the most bytes that
    it may use with all its children; None: as many as there are.
    """

    argv: tuple[Template, ...]
    working_dir: str
    init: tuple[InitCommand, ...] = ()
    unprivileged: bool = False
    data_dir: str | None = None
    memory: int | None = None

    def filled(self, fill: Callable[[Template], Template]) -> ProcessRun:
        """This run with every template in it replaced by what `fill` makes of it."""
        init = tuple(replace(command, argv=tuple(map(fill, command.argv))) for command in self.init)
        return replace(self, argv=tuple(map(fill, self.argv)), init=init)


@dataclass(frozen=True, slots=True)
class ContainerRun:
    """Runs in a container of the engine that the user's Docker configuration names.

    `data_volume` is the path inside the container where a named volume of this service's own is mounted. `networks`
    empty means the project's default one. `image` is the name that a `build` gives its result.
    """

    image: str
    argv: tuple[Template, ...] = ()
    entrypoint: tuple[Template, ...] | None = None
    data_volume: str | None = None
    mounts: tuple[Mount, ...] = ()
    networks: tuple[Attachment, ...] = ()
    files: tuple[FileContent, ...] = ()
    limits: Limits = Limits()
    options: ContainerOptions = ContainerOptions()
    build: BuildSpec | None = None

    def filled(self, fill: Callable[[Template], Template]) -> ContainerRun:
        """This run with every template in it replaced by what `fill` makes of it."""
        entrypoint = None if self.entrypoint is None else tuple(map(fill, self.entrypoint))
        return replace(self, argv=tuple(map(fill, self.argv)), entrypoint=entrypoint)


Run = ProcessRun | ContainerRun


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A command that is run to its end beside a service, when a person asks for it."""

    name: str
    argv: tuple[Template, ...]


class Reload(StrEnum):
    """How an instance that runs makes way for a new one: it ends first, or it serves until the new one is ready."""

    RESTART = "restart"
    GREEN = "green"


@dataclass(frozen=True, slots=True)
class OnDemand:
    """A service that starts at the first connection to its port.

    After `idle_timeout` seconds without one it is frozen until the next; None: it is never frozen.
    """

    idle_timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """Another way to run the same service: what runs, and with which environment."""

    run: Run
    env: tuple[EnvVar, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path on a port of a service; `port` None means its first one."""

    port: int | None = None
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Balance:
    """Whose replicas a service spreads its callers over; `port` None means the first one."""

    service: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """A part of a made file that is there once for each of those that are meant.

    `of` is `metrics` (every replica that tells its metrics), `own` (devbox, where its metrics are served), `balance`
    (every replica that callers are spread over) or
    `use NAME` (every service made from that entry of the catalogue). In `text`, `{service}`, `{replica}`, `{number}`
    (counting from 1), `{address}`, `{path}` and the exports of the service stand for what they say.
    """

    of: str
    text: str


@dataclass(frozen=True, slots=True)
class SeedFile:
    """A file that fresh data begin with, and the command that applies it.

    In `argv`, `{file}` stands for where it can be read. `shown` is what people call it. `line` is a regular expression
    whose first group is the line that an error message blames.
    """

    path: str
    shown: str
    argv: tuple[Template, ...]
    line: str = ""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file at `target` in a service's container, made from the mesh as it is; a `secret` one holds a password."""

    target: str
    parts: tuple[Template | Each, ...]
    secret: bool = False


class Group(StrEnum):
    """The part of the mesh a service belongs to, as the panel groups it."""

    DATABASE = "databases"
    SERVICE = "services"
    JOB = "jobs"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service of the mesh, whole.

    `exports` are what `${name.export}` of other services can refer to, besides `host`, `port` and `url`, which every
    service with a port has. Their templates may refer to the service itself. `entry` is the entry of the catalogue that
    it was made from. `metrics` is where it tells its metrics. `console` is what `devbox exec` opens by itself.
    `open_path` is a page for people, on the port `open_port` (None: the first one). `seed` is what fresh data begin
    with, None for what cannot be seeded. `log_limit` is the most bytes that are kept of each replica's log, of either
    stream; None: as many as devbox keeps of any.
    """

    name: str
    run: Run
    origin: Origin
    env: tuple[EnvVar, ...] = ()
    ports: tuple[Port, ...] = ()
    needs: tuple[Need, ...] = ()
    probe: Probe | None = None
    restart: Restart = Restart()
    stop: Stop = Stop()
    replicas: int = 1
    group: Group = Group.SERVICE
    exports: tuple[tuple[str, Template], ...] = ()
    open_path: str | None = None
    tasks: tuple[TaskSpec, ...] = ()
    reload: Reload = Reload.RESTART
    on_demand: OnDemand | None = None
    watch: tuple[WatchRule, ...] = ()
    other: Form | None = None
    entry: str = ""
    metrics: Endpoint | None = None
    balance: Balance | None = None
    made_files: tuple[MadeFile, ...] = ()
    console: tuple[Template, ...] = ()
    open_port: int | None = None
    seed: tuple[SeedFile, ...] | None = None
    log_limit: int | None = None

    @property
    def runtime(self) -> str:
        """The name of the runtime that runs it: `process` or `docker`."""
        return "process" if isinstance(self.run, ProcessRun) else "docker"

    @property
    def exported(self) -> tuple[str, ...]:
        """What can stand after the dot in a reference to it."""
        own = [name for name, _ in self.exports]
        if self.ports:
            own += ["host", "port", "url", *(f"port.{port.target}" for port in self.ports)]
        return tuple(dict.fromkeys(own))


@dataclass(frozen=True, slots=True)
class AppSpec:
    """The whole mesh: what one project's manifest asks for. `notes` are words for the user that are not errors.

    `metrics_port` is the port of loopback on which devbox's own metrics were asked for, if any.
    """

    project: str
    directory: str
    files: tuple[str, ...]
    services: tuple[ServiceSpec, ...]
    notes: tuple[str, ...] = ()
    networks: tuple[NetworkSpec, ...] = ()
    volumes: tuple[VolumeSpec, ...] = ()
    metrics_port: int | None = None

    def service(self, name: str) -> ServiceSpec | None:
        return next((service for service in self.services if service.name == name), None)


@dataclass(frozen=True, slots=True, order=True)
class UnitKey:
    """One replica of one service. Replicas count from 1."""

    service: str
    replica: int = 1

    def __str__(self) -> str:
        return f"{self.service}-{self.replica}"


@dataclass(frozen=True, slots=True)
class Unit:
    """One replica of a service exactly as it shall run: references resolved, every port published.

    `fingerprint` stands for everything that a running instance cannot take over without being replaced.
    """

    key: UnitKey
    spec: ServiceSpec
    fingerprint: str

    @property
    def env(self) -> dict[str, str]:
        return {var.name: str(var.value) for var in self.spec.env}

    def at(self, private: tuple[tuple[int, int], ...]) -> Unit:
        """The unit as one instance has it that is reached through a door.

        `private` are pairs of a port's target and the port of this machine behind the door. What the service says of
        its own port becomes that one. With no pairs the unit stays as it is.
        """
        return replace(self, spec=behind_door(self.spec, dict(private))) if private else self


def behind_door(spec: ServiceSpec, private: Mapping[int, int]) -> ServiceSpec:
    """A service with the ports of one instance behind its door, on loopback, in place of those the door holds."""

    def number(reference: Reference) -> str:
        wanted = reference.export.removeprefix("port.")
        port = next((p for p in spec.ports if not wanted.isdigit() or p.target == int(wanted)), None)
        return str(private.get(port.target, port.published or port.target)) if port else str(reference)

    def fill(template: Template) -> Template:
        return Template(tuple(part if isinstance(part, str) else number(part) for part in template.parts))

    return replace(
        spec,
        run=spec.run.filled(fill),
        env=tuple(replace(var, value=fill(var.value)) for var in spec.env),
        ports=tuple(
            replace(port, published=private[port.target], host="127.0.0.1") if port.target in private else port
            for port in spec.ports
        ),
        probe=_by_target(spec.probe.filled(fill), spec.ports) if spec.probe is not None else None,
    )


def _by_target(probe: Probe, ports: tuple[Port, ...]) -> Probe:
    """The probe with its port named by target: the published one leads to whoever is behind the door."""
    if not isinstance(probe.check, HttpCheck | TcpCheck | GrpcCheck):
        return probe
    wanted = probe.check.port
    target = next((p.target for p in ports if wanted == p.published and wanted != p.target), wanted)
    return replace(probe, check=replace(probe.check, port=target))
