"""What an entry of the catalogue says. The YAML files have these fields, under these names.

In texts, `{user}` and the like stand for the entry's settings, `{service}`, `{version}`, `{data}` (the directory of the
data) and `{bin}` (where the server's programs lie) for what they say; `{password:url}` is quoted for a URL. `${port}`,
`${port.8222}` and `${host}` are the address of the service itself, seen from whoever reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from devbox.domain.spec import Group, RestartPolicy


@dataclass(frozen=True, slots=True)
class Setting:
    """Something a manifest may say about the service: its user, its database.

    A `generated` one is a password: made once and kept unless the manifest gives it. `variable` is the name under which
    the official image takes it from its environment; a manifest may give it that way too.
    """

    default: str = ""
    generated: bool = False
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """How readiness is proven, in exactly one of the ways. `http` is `:port/path`."""

    exec: tuple[str, ...] = ()
    http: str | None = None
    log: str | None = None
    tcp: int | None = None
    interval: float = 5.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 60.0


@dataclass(frozen=True, slots=True)
class Container:
    """The service in a container. `data` is the path inside it that a volume keeps."""

    image: str
    probe: Readiness
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    data: str | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A place where a server's programs may lie.

    Either inside of a Python package (`module`, and the directory `bin` in it), or wherever `program` is on PATH.
    `version` is what is found there, where that is known.
    """

    version: str | None = None
    module: str | None = None
    bin: str = "bin"
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Init:
    """A command that makes fresh data, skipped where `creates` exists."""

    run: tuple[str, ...]
    creates: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """The service as a process of the host. `install` is the command that brings its programs."""

    install: str
    servers: tuple[Server, ...]
    command: tuple[str, ...]
    probe: Readiness
    environment: dict[str, str] = field(default_factory=dict)
    init: tuple[Init, ...] = ()
    unprivileged: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A backing service. The first of `ports` is its main one; `console` is what `devbox exec` opens by itself."""

    summary: str
    version: str
    versions: tuple[str, ...]
    ports: dict[str, int]
    container: Container
    name: str = ""
    group: Group = Group.SERVICE
    settings: dict[str, Setting] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    console: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    stop_grace: float = 10.0
    restart: RestartPolicy = RestartPolicy.NO
    embedded: Embedded | None = None
