"""From a unit to the engine's JSON: the body of `POST /containers/create` (Engine API 1.41).

Pure, but for seccomp profiles: the manifest names a file, and the engine wants what is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from devbox.domain.container import (
    Attachment,
    BlkioConfig,
    ContainerOptions,
    DeviceRequest,
    Limits,
    Mount,
    MountKind,
    NetworkSpec,
    Throttle,
    VolumeSpec,
)
from devbox.domain.doors import has_door
from devbox.domain.spec import HOST_GATEWAY, AppSpec, ContainerRun, Unit
from devbox.runtimes.docker.names import (
    ANONYMOUS,
    DEFAULT_NETWORK,
    anonymous_volume_name,
    container_labels,
    container_name,
    data_volume_name,
    project_labels,
)

Json = dict[str, Any]

_NANO = 1_000_000_000
_INTERFACE = "com.docker.network.endpoint.ifname"
_SHARED_NAMESPACE = "service:"


class Surroundings:
    """What a container's references to the manifest mean in the engine: names of networks, volumes, containers."""

    def __init__(self, project: str, app: AppSpec | None) -> None:
        services = app.services if app else ()
        self.project = project
        self.networks: dict[str, NetworkSpec] = {n.key: n for n in app.networks} if app else {}
        self.volumes: dict[str, VolumeSpec] = {v.key: v for v in app.volumes} if app else {}
        self._names = {s.name: s.run.options.container_name for s in services if isinstance(s.run, ContainerRun)}

    def network(self, key: str) -> str:
        known = self.networks.get(key)
        return known.name if known else f"{self.project}_{key}"

    def volume(self, key: str) -> str:
        known = self.volumes.get(key)
        return known.name if known else f"{self.project}_{key}"

    def container(self, service: str) -> str:
        """The container of a service's first replica."""
        return self._names.get(service) or container_name(self.project, service, 1)

    def namespace(self, mode: str) -> str:
        """`service:NAME` as the engine says it; anything else as it is."""
        if mode.startswith(_SHARED_NAMESPACE):
            return f"container:{self.container(mode.removeprefix(_SHARED_NAMESPACE))}"
        return mode


def attachments(run: ContainerRun) -> tuple[Attachment, ...]:
    """The networks a container is on, the one it is created with first; none where it uses another's or the host's."""
    if run.options.network_mode:
        return ()
    return tuple(sorted(run.networks, key=lambda a: -a.priority)) or (Attachment(DEFAULT_NETWORK),)


def container_of(unit: Unit, around: Surroundings, image_volumes: Iterable[str] = ()) -> Json:
    """The whole body for one replica. `image_volumes` are the paths for which its image wants volumes."""
    run = unit.spec.run
    if not isinstance(run, ContainerRun):
        raise TypeError(f"{unit.key} is no container")
    options, on = run.options, attachments(run)
    body: Json = {
        "Image": run.image,
        "Env": [f"{name}={value}" for name, value in unit.env.items()],
        "Labels": {**dict(options.labels), **container_labels(around.project, unit)},
        "ExposedPorts": {
            **{f"{port.behind or port.target}/{port.protocol}": {} for port in unit.spec.ports},
            **_exposed(options),
        },
        "StopSignal": unit.spec.stop.signal,
        "StopTimeout": max(0, round(unit.spec.stop.grace)),
        "HostConfig": _host_config(unit, run, around, on, image_volumes),
    }
    if on:
        body["NetworkingConfig"] = {
            "EndpointsConfig": {around.network(on[0].network): endpoint_of(unit, on[0], around)}
        }
    body |= _said(
        {
            "Cmd": [str(part) for part in run.argv],
            "User": options.user,
            "WorkingDir": options.working_dir,
            "Hostname": options.hostname,
            "Domainname": options.domainname,
            "MacAddress": options.mac_address,
            "Tty": options.tty,
            "OpenStdin": options.stdin_open,
        }
    )
    probe = unit.spec.probe
    if options.no_healthcheck or (probe is not None and not probe.assumed):
        # devbox probes by itself; the engine doing so too would only cost.
        body["Healthcheck"] = {"Test": ["NONE"]}
    if run.entrypoint is not None:
        body["Entrypoint"] = [str(part) for part in run.entrypoint]
    return body


def endpoint_of(unit: Unit, attachment: Attachment, around: Surroundings) -> Json:
    """How a container stands on one network (EndpointSettings)."""
    addresses = _said(
        {
            "IPv4Address": attachment.ipv4_address,
            "IPv6Address": attachment.ipv6_address,
            "LinkLocalIPs": list(attachment.link_local_ips),
        }
    )
    return {
        "Aliases": [unit.key.service, str(unit.key), *attachment.aliases],
        **_said(
            {
                "IPAMConfig": addresses,
                "Links": _links(unit, around),
                "MacAddress": attachment.mac_address,
                "DriverOpts": dict(attachment.driver_opts)
                | ({_INTERFACE: attachment.interface_name} if attachment.interface_name else {}),
                "GwPriority": attachment.gw_priority,
            }
        ),
    }


def _host_config(
    unit: Unit, run: ContainerRun, around: Surroundings, on: tuple[Attachment, ...], image_volumes: Iterable[str]
) -> Json:
    options = run.options
    mode = around.namespace(options.network_mode) if options.network_mode else around.network(on[0].network)
    shares_network = mode.startswith("container:")
    return {
        "NetworkMode": mode,
        "PortBindings": {} if options.network_mode == "host" or shares_network else _port_bindings(unit),
        "LogConfig": {"Type": options.logging_driver, "Config": dict(options.logging_options)}
        if options.logging_driver or options.logging_options
        else {"Type": "", "Config": {}},
        "ExtraHosts": [] if shares_network else _extra_hosts(options),
        **_storage(unit, run, around, image_volumes),
        **_isolation(unit, options, around),
        **_limits(run.limits),
    }


def _port_bindings(unit: Unit) -> Json:
    if has_door(unit.spec):
        # Any port of loopback: the published one is the door's.
        return {f"{port.target}/{port.protocol}": [{"HostIp": "127.0.0.1", "HostPort": ""}] for port in unit.spec.ports}
    bindings: Json = {}
    for port in unit.spec.ports:
        if port.published is not None:
            binding = {"HostIp": port.host, "HostPort": str(port.published)}
            bindings.setdefault(f"{port.behind or port.target}/{port.protocol}", []).append(binding)
    return bindings


def _extra_hosts(options: ContainerOptions) -> list[str]:
    said = [f"{name}:{address}" for name, address in options.extra_hosts]
    named = {name for name, _ in options.extra_hosts}
    return said if HOST_GATEWAY in named else [*said, f"{HOST_GATEWAY}:host-gateway"]


def _exposed(options: ContainerOptions) -> Json:
    return {port if "/" in port else f"{port}/tcp": {} for port in options.expose}


def _storage(unit: Unit, run: ContainerRun, around: Surroundings, image_volumes: Iterable[str]) -> Json:
    options = run.options
    bound = [mount for mount in run.mounts if _is_short_bind(mount)]
    mounts = [_mount(mount, around, unit, options.volume_driver) for mount in run.mounts if mount not in bound]
    if run.data_volume is not None and all(mount.target != run.data_volume for mount in run.mounts):
        source = data_volume_name(around.project, unit.key.service)
        mounts.append({"Type": "volume", "Source": source, "Target": run.data_volume})
    mounts += [
        {"Type": "bind", "Source": file.file, "Target": file.target, "ReadOnly": True}
        for file in run.files
        if file.file is not None
    ]
    taken = {mount["Target"] for mount in mounts} | {mount.target for mount in bound}
    fresh = (Mount(MountKind.VOLUME, target) for target in sorted(set(image_volumes) - taken))
    mounts += [_anonymous(around.project, unit, mount, options.volume_driver) for mount in fresh]
    return {
        "Mounts": mounts,
        "Binds": [_bind(mount) for mount in bound],
        **_said(
            {
                "VolumesFrom": [_volumes_from(each, around) for each in options.volumes_from],
                "StorageOpt": dict(options.storage_opt),
                "ShmSize": options.shm_size,
                "ReadonlyRootfs": options.read_only,
            }
        ),
    }


def _is_short_bind(mount: Mount) -> bool:
    """Whether a mount is one that the engine takes in its short form alone: only there it labels for SELinux."""
    return mount.kind is MountKind.BIND and bool(mount.selinux)


def _bind(mount: Mount) -> str:
    modes = ["ro" if mount.read_only else "rw", mount.selinux, mount.propagation]
    return f"{mount.source}:{mount.target}:{','.join(filter(None, modes))}"


def _anonymous(project: str, unit: Unit, mount: Mount, driver: str) -> Json:
    """A volume at a path for which nobody named one, so named that a replaced container's successor finds it."""
    options: Json = {"Labels": {**dict(mount.labels), **project_labels(project), ANONYMOUS: "true"}}
    return {
        "Type": "volume",
        "Source": anonymous_volume_name(project, unit.key, mount.target),
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "VolumeOptions": {**options, **({"DriverConfig": {"Name": driver}} if driver else {})},
    }


def _mount(mount: Mount, around: Surroundings, unit: Unit, driver: str) -> Json:
    if mount.kind is MountKind.VOLUME and not mount.source:
        return _anonymous(around.project, unit, mount, driver)
    body: Json = {"Type": mount.kind.value, "Target": mount.target, "ReadOnly": mount.read_only}
    match mount.kind:
        case MountKind.BIND:
            body["Source"] = mount.source
            body |= _said({"BindOptions": _bind_options(mount)})
        case MountKind.VOLUME:
            body["Source"] = around.volume(mount.source)
            options = {"NoCopy": mount.nocopy, "Subpath": mount.subpath, "Labels": dict(mount.labels)}
            body |= _said({"VolumeOptions": _said(options)})
        case MountKind.IMAGE:
            body["Source"] = mount.source
            body |= _said({"ImageOptions": _said({"Subpath": mount.subpath})})
        case MountKind.CLUSTER | MountKind.NPIPE:
            body["Source"] = mount.source
        case MountKind.TMPFS:
            body |= _said({"TmpfsOptions": _said({"SizeBytes": mount.size, "Mode": mount.mode})})
    return body


def _bind_options(mount: Mount) -> Json:
    return _said(
        {
            "Propagation": mount.propagation,
            "NonRecursive": mount.recursive == "disabled",
            "ReadOnlyNonRecursive": mount.recursive == "writable",
            "ReadOnlyForceRecursive": mount.recursive == "readonly",
        }
    )


def _volumes_from(text: str, around: Surroundings) -> str:
    if text.startswith("container:"):
        return text.removeprefix("container:")
    service, colon, access = text.partition(":")
    return f"{around.container(service)}{colon}{access}"


def _isolation(unit: Unit, options: ContainerOptions, around: Surroundings) -> Json:
    return _said(
        {
            "CapAdd": list(options.cap_add),
            "CapDrop": list(options.cap_drop),
            "Privileged": options.privileged,
            "SecurityOpt": [_security_opt(text) for text in options.security_opt],
            "GroupAdd": list(options.group_add),
            "Devices": [
                {"PathOnHost": d.host, "PathInContainer": d.container, "CgroupPermissions": d.permissions}
                for d in options.devices
            ],
            "DeviceCgroupRules": list(options.device_cgroup_rules),
            "DeviceRequests": [_device_request(request) for request in options.device_requests],
            "IpcMode": around.namespace(options.ipc),
            "PidMode": around.namespace(options.pid),
            "UTSMode": options.uts,
            "UsernsMode": options.userns_mode,
            "CgroupnsMode": options.cgroup,
            "CgroupParent": options.cgroup_parent,
            "Sysctls": dict(options.sysctls),
            "Ulimits": [{"Name": u.name, "Soft": u.soft, "Hard": u.hard} for u in options.ulimits],
            "Dns": list(options.dns),
            "DnsOptions": list(options.dns_opt),
            "DnsSearch": list(options.dns_search),
            "Links": _links(unit, around) if options.network_mode else [],
            "Init": options.init,
            "Runtime": options.runtime,
            "Isolation": options.isolation,
            "Annotations": dict(options.annotations),
        }
    )


def _security_opt(text: str) -> str:
    """A seccomp profile is named by its file in Compose, and given as JSON to the engine."""
    name, _, value = text.partition("=" if "=" in text else ":")
    if name != "seccomp" or value in ("unconfined", "builtin"):
        return text
    with open(value) as file:
        return f"seccomp={json.dumps(json.load(file))}"


def _device_request(request: DeviceRequest) -> Json:
    return {
        "Driver": request.driver,
        "Count": 0 if request.device_ids else request.count,
        "DeviceIDs": list(request.device_ids),
        "Capabilities": [list(request.capabilities)],
        "Options": dict(request.options),
    }


def _links(unit: Unit, around: Surroundings) -> list[str]:
    """Names for other containers. On networks of a manifest they are said with each network, elsewhere once."""
    options = unit.spec.run.options if isinstance(unit.spec.run, ContainerRun) else ContainerOptions()
    return [*(_link(text, around) for text in options.links), *options.external_links]


def _link(text: str, around: Surroundings) -> str:
    service, _, alias = text.partition(":")
    return f"{around.container(service)}:{alias or service}"


def _limits(limits: Limits) -> Json:
    return {
        **_said(
            {
                "Memory": limits.memory,
                "MemoryReservation": limits.memory_reservation,
                "MemorySwap": limits.memory_swap,
                "MemorySwappiness": limits.memory_swappiness,
                "NanoCpus": round(limits.cpus * _NANO) if limits.cpus else None,
                "CpuShares": limits.cpu_shares,
                "CpuQuota": limits.cpu_quota,
                "CpuPeriod": limits.cpu_period,
                "CpuRealtimeRuntime": limits.cpu_rt_runtime,
                "CpuRealtimePeriod": limits.cpu_rt_period,
                "CpusetCpus": limits.cpuset,
                "PidsLimit": limits.pids,
                "OomKillDisable": limits.oom_kill_disable,
                "OomScoreAdj": limits.oom_score_adj,
            }
        ),
        **(_blkio(limits.blkio) if limits.blkio else {}),
    }


def _blkio(blkio: BlkioConfig) -> Json:
    return _said(
        {
            "BlkioWeight": blkio.weight,
            "BlkioWeightDevice": [{"Path": t.path, "Weight": t.rate} for t in blkio.weight_device],
            "BlkioDeviceReadBps": _rates(blkio.device_read_bps),
            "BlkioDeviceReadIOps": _rates(blkio.device_read_iops),
            "BlkioDeviceWriteBps": _rates(blkio.device_write_bps),
            "BlkioDeviceWriteIOps": _rates(blkio.device_write_iops),
        }
    )


def _rates(throttles: Iterable[Throttle]) -> list[Json]:
    return [{"Path": t.path, "Rate": t.rate} for t in throttles]


def _said(fields: Mapping[str, Any]) -> Json:
    """Only the fields that say something: what is left out is the image's and the engine's to decide."""
    return {name: value for name, value in fields.items() if value not in (None, "", False, [], {})}


def network_of(spec: NetworkSpec, labels: Mapping[str, str]) -> Json:
    """The body of `POST /networks/create`."""
    pools = [
        _said(
            {
                "Subnet": pool.subnet,
                "IPRange": pool.ip_range,
                "Gateway": pool.gateway,
                "AuxiliaryAddresses": dict(pool.aux_addresses),
            }
        )
        for pool in spec.ipam_pools
    ]
    ipam = _said({"Driver": spec.ipam_driver, "Config": pools, "Options": dict(spec.ipam_options)})
    return {
        "Name": spec.name,
        "CheckDuplicate": True,
        "Driver": spec.driver or "bridge",
        "Labels": {**dict(spec.labels), **labels, "com.docker.compose.network": spec.key},
        **_said(
            {
                "Options": dict(spec.driver_opts),
                "Internal": spec.internal,
                "Attachable": spec.attachable,
                "EnableIPv6": spec.enable_ipv6,
                "IPAM": ipam,
            }
        ),
        **({} if spec.enable_ipv4 else {"EnableIPv4": False}),
    }


def volume_of(spec: VolumeSpec, labels: Mapping[str, str]) -> Json:
    """The body of `POST /volumes/create`."""
    return {
        "Name": spec.name,
        "Driver": spec.driver or "local",
        "DriverOpts": dict(spec.driver_opts),
        "Labels": {**dict(spec.labels), **labels, "com.docker.compose.volume": spec.key},
    }
