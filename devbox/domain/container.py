"""What a manifest can say of a container beyond its image and command: Compose's run-time keys, typed.

Sizes are bytes, durations seconds, names those of the Compose Specification. A field at its default was not said, and
is left to the image and the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MountKind(StrEnum):
    BIND = "bind"
    VOLUME = "volume"
    TMPFS = "tmpfs"
    IMAGE = "image"
    CLUSTER = "cluster"
    NPIPE = "npipe"


@dataclass(frozen=True, slots=True)
class Mount:
    """An entry of `volumes` (or of `tmpfs`).

    `source` is an absolute host path for BIND, a key of the manifest's top-level `volumes` for VOLUME, an image's name
    for IMAGE, and empty for an anonymous volume and for TMPFS. CLUSTER is a swarm's, NPIPE is Windows'. `create` has a
    missing host path made. `selinux` is `z` (shared) or `Z` (private). `size` and `mode` are TMPFS's. `recursive` is
    `disabled`, `writable` or `readonly`: what becomes of that which is mounted below a BIND's source.
    """

    kind: MountKind
    target: str
    source: str = ""
    read_only: bool = False
    create: bool = True
    propagation: str = ""
    selinux: str = ""
    nocopy: bool = False
    subpath: str = ""
    size: int | None = None
    mode: int | None = None
    recursive: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """An entry of the top-level `volumes`. `name` is what the engine calls it; an external one is never made."""

    key: str
    name: str
    external: bool = False
    driver: str = ""
    driver_opts: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class IpamPool:
    subnet: str = ""
    ip_range: str = ""
    gateway: str = ""
    aux_addresses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """An entry of the top-level `networks`. `name` is what the engine calls it; an external one is never made."""

    key: str
    name: str
    external: bool = False
    driver: str = ""
    driver_opts: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    internal: bool = False
    attachable: bool = False
    enable_ipv6: bool = False
    enable_ipv4: bool = True
    ipam_driver: str = ""
    ipam_pools: tuple[IpamPool, ...] = ()
    ipam_options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A network a service is on. `network` is a key of the top-level `networks`."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: tuple[str, ...] = ()
    mac_address: str = ""
    driver_opts: tuple[tuple[str, str], ...] = ()
    priority: int = 0
    gw_priority: int = 0
    interface_name: str = ""


@dataclass(frozen=True, slots=True)
class Ulimit:
    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Device:
    host: str
    container: str
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """GPUs and the like (`gpus`, `deploy.resources.reservations.devices`). A `count` of -1 means all."""

    driver: str = ""
    count: int = 0
    device_ids: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Throttle:
    """A limit for one block device: a rate in bytes or operations a second, or a weight."""

    path: str
    rate: int


@dataclass(frozen=True, slots=True)
class BlkioConfig:
    weight: int | None = None
    weight_device: tuple[Throttle, ...] = ()
    device_read_bps: tuple[Throttle, ...] = ()
    device_read_iops: tuple[Throttle, ...] = ()
    device_write_bps: tuple[Throttle, ...] = ()
    device_write_iops: tuple[Throttle, ...] = ()


@dataclass(frozen=True, slots=True)
class FileContent:
    """A secret or a config as a file in the container: from a host file, or with the content itself.

    `mode` is an octal file mode as a number; `uid` and `gid` are as in Compose. Exactly one of `file` and `content`
    is given, but for one that is `external`: that is a swarm's, and no engine gives it to a container. `source` is its
    key among the manifest's secrets or configs, `environment` the variable that `content` was taken from.
    """

    target: str
    file: str | None = None
    content: str | None = None
    uid: str = ""
    gid: str = ""
    mode: int | None = None
    secret: bool = True
    source: str = ""
    environment: str = ""
    external: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """A command of `post_start` or `pre_stop`, run in the container."""

    command: tuple[str, ...]
    user: str = ""
    privileged: bool = False
    working_dir: str = ""
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine a container may have (`mem_*`, `cpu*`, `pids_limit`, `deploy.resources`)."""

    memory: int | None = None
    memory_reservation: int | None = None
    memory_swap: int | None = None
    memory_swappiness: int | None = None
    cpus: float | None = None
    cpu_shares: int | None = None
    cpu_quota: int | None = None
    cpu_period: int | None = None
    cpu_rt_runtime: int | None = None
    cpu_rt_period: int | None = None
    cpuset: str = ""
    pids: int | None = None
    oom_kill_disable: bool = False
    oom_score_adj: int | None = None
    blkio: BlkioConfig | None = None


@dataclass(frozen=True, slots=True)
class ContainerOptions:
    """Everything else a container can be told, by the names of the Compose Specification."""

    container_name: str = ""
    user: str = ""
    working_dir: str = ""
    hostname: str = ""
    domainname: str = ""
    mac_address: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    expose: tuple[str, ...] = ()
    extra_hosts: tuple[tuple[str, str], ...] = ()
    dns: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    external_links: tuple[str, ...] = ()
    volumes_from: tuple[str, ...] = ()
    network_mode: str = ""
    init: bool | None = None
    privileged: bool = False
    read_only: bool = False
    tty: bool = False
    stdin_open: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    device_requests: tuple[DeviceRequest, ...] = ()
    ipc: str = ""
    pid: str = ""
    uts: str = ""
    userns_mode: str = ""
    cgroup: str = ""
    cgroup_parent: str = ""
    sysctls: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    shm_size: int | None = None
    storage_opt: tuple[tuple[str, str], ...] = ()
    runtime: str = ""
    isolation: str = ""
    platform: str = ""
    pull_policy: str = ""
    volume_driver: str = ""
    logging_driver: str = ""
    logging_options: tuple[tuple[str, str], ...] = ()
    no_healthcheck: bool = False
    post_start: tuple[Hook, ...] = ()
    pre_stop: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """How an image is built. `context` is an absolute path or a URL; `dockerfile` is relative to it.

    `inline` is the text of a `dockerfile_inline`. Secrets are (id, file or `env:NAME`) pairs, `ssh` entries as given.
    """

    context: str
    dockerfile: str = ""
    inline: str = ""
    args: tuple[tuple[str, str | None], ...] = ()
    target: str = ""
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    network: str = ""
    shm_size: int | None = None
    extra_hosts: tuple[tuple[str, str], ...] = ()
    isolation: str = ""
    privileged: bool = False
    secrets: tuple[tuple[str, str], ...] = ()
    ssh: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    additional_contexts: tuple[tuple[str, str], ...] = ()
    entitlements: tuple[str, ...] = ()
    no_cache_filter: tuple[str, ...] = ()
