"""A service on its way from the manifest to a spec: what was said, before defaults and the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from devbox.domain.container import Attachment, BuildSpec, DeviceRequest, Mount
from devbox.domain.spec import Balance, Check, Endpoint, EnvVar, Need, Port, Reload, Restart, TaskSpec, Template
from devbox.domain.watching import WatchRule
from devbox.manifest.source import Place


@dataclass(frozen=True, slots=True)
class Use:
    """`use: entry:version`, with the entry's settings where the long form gives some."""

    entry: str
    version: str | None
    settings: dict[str, str]
    place: Place


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of `depends_on`, and where it stands."""

    need: Need
    place: Place


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name that must be declared elsewhere in the manifest, and where it is used."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class FileUse:
    """An entry of a service's `secrets` or `configs`."""

    source: str
    place: Place
    target: str = ""
    uid: str = ""
    gid: str = ""
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """One watch rule, and where it stands. `asked` tells whether the manifest says which action it wants."""

    rule: WatchRule
    place: Place
    asked: bool


@dataclass(frozen=True, slots=True)
class Local:
    """`local:` of a container: the command that can run in its place on this machine."""

    command: tuple[Template, ...]
    working_dir: str
    environment: dict[str, EnvVar]


@dataclass(slots=True)
class Timing:
    """The clockwork of a probe, as far as it was given."""

    interval: float | None = None
    timeout: float | None = None
    retries: int | None = None
    start_period: float | None = None
    start_interval: float | None = None


@dataclass(slots=True)
class Draft:
    """What the manifest says about one service.

    `keys` tells where each key stands. A `faulty` one has problems of its own already. `options` and `limits` are
    fields of ContainerOptions and Limits, None where nothing usable was said. `refresh_after` is seconds. `provider` is
    where something is named that would take the whole service over.
    """

    name: str
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    faulty: bool = False
    image: str | None = None
    use: Use | None = None
    runtime: str | None = None
    command: tuple[Template, ...] | None = None
    entrypoint: tuple[Template, ...] | None = None
    working_dir: str | None = None
    environment: dict[str, EnvVar] = field(default_factory=dict)
    file_environment: dict[str, EnvVar] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)
    depends_on: dict[str, Dependency] = field(default_factory=dict)
    check: Check | None = None
    timing: Timing = field(default_factory=Timing)
    compose_health: bool = False
    no_probe: bool = False
    restart: Restart | None = None
    deploy_restart: Restart | None = None
    stop_signal: str | None = None
    stop_grace: float | None = None
    replicas: int = 1
    profiles: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    open_path: str | None = None
    metrics: Endpoint | None = None
    balance: Balance | None = None
    seed: list[tuple[str, Place]] = field(default_factory=list)
    tasks: list[TaskSpec] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    file_labels: tuple[tuple[str, str], ...] = ()
    device_requests: list[DeviceRequest] = field(default_factory=list)
    mounts: list[Mount] = field(default_factory=list)
    volume_uses: list[Wanted] = field(default_factory=list)
    networks: list[Attachment] = field(default_factory=list)
    network_uses: list[Wanted] = field(default_factory=list)
    secrets: list[FileUse] = field(default_factory=list)
    configs: list[FileUse] = field(default_factory=list)
    local: Local | None = None
    log_limit: int | None = None
    reload: Reload = Reload.RESTART
    on_demand: bool = False
    idle_timeout: float | None = None
    build: BuildSpec | None = None
    build_secrets: list[FileUse] = field(default_factory=list)
    watch: list[Watched] = field(default_factory=list)
    provider: Place | None = None
    refresh_after: int | None = None

    @property
    def is_container(self) -> bool:
        """Whether what it says makes it a container of its own (entries of the catalogue apart)."""
        return self.runtime != "process" and ("image" in self.keys or "build" in self.keys)
