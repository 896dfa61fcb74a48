"""What an entry of the catalogue says. The YAML files have these fields, under these names.

In texts, `{user}` and the like stand for the entry's settings, `{service}`, `{version}`, `{data}` (the directory of the
data) and `{bin}` (where the server's programs lie) for what they say; `{password:url}` is quoted for a URL. `${port}`,
`${port.8222}` and `${host}` are the address of the service itself, seen from whoever reads it; `${published}` is the
port of this machine, whoever reads it.
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
class SeedCommand:
    """How a file of one kind is applied: a command with `{file}` in it, run beside the server.

    `line` is a regular expression whose first group is the number of the line that an error message blames, for clients
    that do not write `FILE:LINE`.
    """

    run: tuple[str, ...]
    line: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file in the container: a `text` with placeholders, or `source`, the name of a file beside the entry, as it is.

    Between `{{each metrics}}` (or `balance`, or `use NAME`) and `{{end}}`, each on a line of its own, stands what is
    there once for each of those: `{service}`, `{replica}`, `{number}`, `{address}`, `{path}`, or an export of theirs.
    `when: balance` has the file made only for a service that balances.
    """

    path: str
    text: str = ""
    source: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How readiness is proven, in exactly one of the ways. `http` is `:port/path`; `status` and `body` (a regular
    expression) say which answers are well."""

    exec: tuple[str, ...] = ()
    http: str | None = None
    status: tuple[int, ...] = (200, 399)
    body: str | None = None
    log: str | None = None
    tcp: int | None = None
    interval: float = 5.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 60.0


@dataclass(frozen=True, slots=True)
class Container:
    """The service in a container. `data` is the path inside it that a volume keeps.

    `command` goes to the image's own entrypoint, unless `entrypoint` takes its place.
    """

    image: str
    probe: Readiness
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    data: str | None = None
    console: tuple[str, ...] = ()
    seed: dict[str, SeedCommand] = field(default_factory=dict)
    files: tuple[File, ...] = ()


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
    """The service as a process of the host. `install` is the command that brings its programs.

    `exports` are those that are not as in a container, and so is `open`, its page for people.
    """

    install: str
    servers: tuple[Server, ...]
    command: tuple[str, ...]
    probe: Readiness
    environment: dict[str, str] = field(default_factory=dict)
    init: tuple[Init, ...] = ()
    unprivileged: bool = False
    exports: dict[str, str] = field(default_factory=dict)
    open: str = ""
    console: tuple[str, ...] = ()
    seed: dict[str, SeedCommand] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A backing service. The first of `ports` is its main one.

    `kind` is the heading under which it is listed. `behind` names ports whose published one leads to another port of
    the container, where a server tells its clients by which address to come back. `open` is its page for people and
    `metrics` what a Prometheus scrapes, both `:port/path`. For a manifest to paste: `example` is what a service of it
    says beside `use`, and `client` the variables of another that calls it, with the exports they hold (or `=` and a
    text). `notes` say what to know.
    """

    summary: str
    version: str
    versions: tuple[str, ...]
    ports: dict[str, int]
    container: Container
    name: str = ""
    kind: str = "own"
    group: Group = Group.SERVICE
    behind: dict[str, int] = field(default_factory=dict)
    settings: dict[str, Setting] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    open: str = ""
    metrics: str = ""
    notes: str = ""
    example: str = ""
    client: dict[str, str] = field(default_factory=dict)
    stop_signal: str = "SIGTERM"
    stop_grace: float = 10.0
    restart: RestartPolicy = RestartPolicy.NO
    embedded: Embedded | None = None

    @property
    def balances(self) -> bool:
        """Whether it can spread callers over the replicas of a service."""
        return any(file.when == "balance" for file in self.container.files)
