"""The keys of a service that only a container has a use for, and what reads each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from devbox.domain.container import (
    BlkioConfig,
    Device,
    DeviceRequest,
    Hook,
    Mount,
    MountKind,
    Throttle,
    Ulimit,
)
from devbox.manifest.commands import arguments
from devbox.manifest.draft import Draft
from devbox.manifest.mounts import tmpfs, volumes
from devbox.manifest.networks import attachments
from devbox.manifest.resources import configs, secrets
from devbox.manifest.source import Place
from devbox.manifest.tree import Mapping, Node, Scalar, Sequence
from devbox.manifest.units import size
from devbox.manifest.values import Scope, shown

Reader = Callable[[Scope, Node, Draft], None]

UNLIMITED = -1

DEVICE_KEYS = ("source", "target", "permissions")
REQUEST_KEYS = ("capabilities", "driver", "count", "device_ids", "options")
_HOST = re.compile(r"([^=:\s]+)[=:]\s*\[*([^\s\[\]]+)\]*")
_CDI = re.compile(r"[\w.-]+/[\w.-]+=[\w.:-]+", re.ASCII)
_PULL_POLICIES = ("always", "never", "missing", "if_not_present", "build", "daily", "weekly", "refresh")
_PULL_EVERY = re.compile(r"every_\w+", re.ASCII)
_GPU = "gpu"


# --- readers by kind


def _text(field: str) -> Reader:
    def read(scope: Scope, node: Node, draft: Draft) -> None:
        draft.options[field] = scope.text(node, field)

    return read


def _texts(field: str) -> Reader:
    def read(scope: Scope, node: Node, draft: Draft) -> None:
        draft.options[field] = tuple(dict.fromkeys(scope.texts(node, field)))

    return read


def _flag(field: str) -> Reader:
    def read(scope: Scope, node: Node, draft: Draft) -> None:
        draft.options[field] = scope.boolean(node, field)

    return read


def _pairs(field: str) -> Reader:
    def read(scope: Scope, node: Node, draft: Draft) -> None:
        draft.options[field] = scope.pairs(node, field)

    return read


def _limit_bytes(key: str, field: str, low: int = 0) -> Reader:
    def read(scope: Scope, node: Node, draft: Draft) -> None:
        unlimited = isinstance(node, Scalar) and node.text == str(UNLIMITED) and low < 0
        draft.limits[field] = UNLIMITED if unlimited else scope.bytes(node, key)

    return read


def _limit_integer(key: str, field: str, low: int = 0) -> Reader:
    def read(scope: Scope, node: Node, draft: Draft) -> None:
        draft.limits[field] = scope.integer(node, key, low, 2**53)

    return read


def _limit_micros(key: str, field: str) -> Reader:
    """Microseconds as a number, or a duration."""

    def read(scope: Scope, node: Node, draft: Draft) -> None:
        if isinstance(node, Scalar) and node.text.isdecimal():
            draft.limits[field] = scope.integer(node, key, 0, 2**53)
        elif (seconds := scope.seconds(node, key)) is not None:
            draft.limits[field] = round(seconds * 1_000_000)

    return read


# --- readers of one key each


def _cpus(scope: Scope, node: Node, draft: Draft) -> None:
    draft.limits["cpus"] = scope.number(node, "cpus")


def _cpuset(scope: Scope, node: Node, draft: Draft) -> None:
    draft.limits["cpuset"] = scope.text(node, "cpuset")


def _oom_kill_disable(scope: Scope, node: Node, draft: Draft) -> None:
    draft.limits["oom_kill_disable"] = scope.boolean(node, "oom_kill_disable")


def _shm_size(scope: Scope, node: Node, draft: Draft) -> None:
    draft.options["shm_size"] = scope.bytes(node, "shm_size")


def _label_file(scope: Scope, node: Node, draft: Draft) -> None:
    from devbox.manifest import variables

    found: dict[str, str] = {}
    for item in scope.items(node, "label_file"):
        if (text := scope.text(item, "label_file")) is not None:
            path = scope.base(item.place) / text
            # What labels refer to is looked up in the files of labels alone.
            found |= variables.read_file(path, scope.variables.none, scope.problems, item.place, earlier=found)
    draft.file_labels = tuple(found.items())


def _pull_policy(scope: Scope, node: Node, draft: Draft) -> None:
    text = scope.text(node, "pull_policy")
    if text is not None and not _PULL_EVERY.fullmatch(text):
        text = scope.choice(node, "pull_policy", _PULL_POLICIES)
    draft.options["pull_policy"] = "missing" if text == "if_not_present" else text


def _pull_refresh_after(scope: Scope, node: Node, draft: Draft) -> None:
    """How old an image may grow; it counts where `pull_policy` is `refresh`."""
    seconds = scope.seconds(node, "pull_refresh_after")
    draft.refresh_after = None if seconds is None else round(seconds)


def _extra_hosts(scope: Scope, node: Node, draft: Draft) -> None:
    draft.options["extra_hosts"] = hosts(scope, node, "extra_hosts")


def hosts(scope: Scope, node: Node, what: str) -> tuple[tuple[str, str], ...]:
    """Names and addresses: `name:address`, `name=address`, or a mapping of a name to one address or several."""
    said: list[tuple[Place, str]] = []
    if isinstance(node, Mapping):
        for name, entry in node:
            addresses = scope.texts(entry.value, f"{name} in {what}")
            said += [(entry.value.place, f"{name}={address}") for address in addresses]
    else:
        for item in scope.items(node, what):
            if (text := scope.text(item, f"an item of {what}")) is not None:
                said.append((item.place, text))
    found = []
    for place, text in said:
        match = _HOST.fullmatch(text)
        if match:
            found.append((match[1], match[2]))
        else:
            scope.problems.add(place, f"{shown(text)} is no host", "Write name=address, for example db=10.0.0.7.")
    return tuple(found)


def _devices(scope: Scope, node: Node, draft: Draft) -> None:
    found: list[Device] = []
    for item in scope.items(node, "devices"):
        if isinstance(item, Mapping):
            fields = _texts_of(scope, item, "a device", DEVICE_KEYS)
            if source := fields.get("source"):
                found.append(Device(source, fields.get("target") or source, fields.get("permissions") or "rwm"))
            else:
                scope.problems.add(item.place, "a device needs a source", "source is the device's path on the host.")
        elif (text := scope.text(item, "a device")) is not None:
            if _CDI.fullmatch(text):
                draft.device_requests.append(DeviceRequest(driver="cdi", device_ids=(text,)))
                continue
            host, _, rest = text.partition(":")
            inside, _, permissions = rest.partition(":")
            found.append(Device(host, inside or host, permissions or "rwm"))
    draft.options["devices"] = tuple(found)


def _texts_of(scope: Scope, node: Node, what: str, keys: tuple[str, ...]) -> dict[str, str]:
    entries = scope.mapping(node, what, keys)
    texts = {key: scope.text(entry.value, f"{key} of {what}") for key, entry in entries.items()}
    return {key: text for key, text in texts.items() if text is not None}


def _gpus(scope: Scope, node: Node, draft: Draft) -> None:
    if isinstance(node, Scalar):
        if scope.choice(node, "gpus", ("all",)):
            draft.device_requests.append(DeviceRequest(count=-1, capabilities=(_GPU,)))
        return
    draft.device_requests += [device_request(scope, item, (_GPU,)) for item in scope.items(node, "gpus")]


def device_request(scope: Scope, node: Node, implied: tuple[str, ...] = ()) -> DeviceRequest:
    """An item of `gpus`, or of the devices that `deploy` reserves. With neither a count nor ids, all are meant."""
    entries = scope.mapping(node, "a device request", REQUEST_KEYS)
    values = {key: entry.value for key, entry in entries.items()}
    ids = scope.texts(values["device_ids"], "device_ids") if "device_ids" in values else ()
    count = 0 if ids else -1
    if "count" in values:
        everything = isinstance(values["count"], Scalar) and values["count"].text == "all"
        count = -1 if everything else scope.integer(values["count"], "count", -1) or 0
        if ids:
            scope.problems.add(
                entries["count"].key, "count and device_ids cannot both be given", "Leave one of them out."
            )
    said = scope.texts(values["capabilities"], "capabilities") if "capabilities" in values else ()
    return DeviceRequest(
        driver=(scope.text(values["driver"], "driver") or "") if "driver" in values else "",
        count=count,
        device_ids=ids,
        capabilities=tuple(dict.fromkeys((*said, *implied))),
        options=scope.pairs(values["options"], "options") if "options" in values else (),
    )


def _ulimits(scope: Scope, node: Node, draft: Draft) -> None:
    draft.options["ulimits"] = ulimits(scope, node)


def ulimits(scope: Scope, node: Node) -> tuple[Ulimit, ...]:
    """`nofile: 1024`, or `nofile: {soft: 1024, hard: 2048}`; -1 is no limit."""
    found = []
    for name, entry in scope.mapping(node, "ulimits").items():
        if isinstance(entry.value, Mapping):
            limits = {
                key: scope.integer(each.value, f"{key} of {name}", UNLIMITED, 2**53)
                for key, each in scope.mapping(entry.value, f"the ulimit {name}", ("soft", "hard")).items()
            }
            soft, hard = limits.get("soft"), limits.get("hard")
            if soft is None or hard is None:
                if len(limits) < 2:
                    scope.problems.add(entry.key, f"the ulimit {name} needs soft and hard")
                continue
        else:
            soft = hard = scope.integer(entry.value, f"the ulimit {name}", UNLIMITED, 2**53)
        if soft is not None and hard is not None:
            found.append(Ulimit(name, soft, hard))
    return tuple(found)


def _logging(scope: Scope, node: Node, draft: Draft) -> None:
    entries = scope.mapping(node, "logging", ("driver", "options"))
    if "driver" in entries:
        draft.options["logging_driver"] = scope.text(entries["driver"].value, "driver of logging")
    if "options" in entries:
        options = scope.pairs(entries["options"].value, "options of logging")
        draft.options["logging_options"] = options
        if (draft.options.get("logging_driver") or _LOG_FILES[0]) in _LOG_FILES:
            draft.log_limit = _log_limit(scope, entries["options"].value, dict(options))


_LOG_FILES = ("json-file", "local")
"""The drivers that keep logs in files, of which `max-size` and `max-file` tell how much."""


def _log_limit(scope: Scope, node: Node, options: dict[str, str]) -> int | None:
    """The bytes that a log may take in all its files. `-1` is what these drivers call no limit."""
    largest, files = options.get("max-size", "-1"), options.get("max-file", "1")
    if largest == "-1":
        return None
    if (each := size(largest)) is None or each == 0:
        scope.problems.add(_place_of(node, "max-size"), f"max-size is a size, not {shown(largest)}", "For example 10m.")
        return None
    if not files.isdecimal() or int(files) == 0:
        scope.problems.add(
            _place_of(node, "max-file"), f"max-file is a count of files, not {shown(files)}", "For example 3."
        )
        return None
    return each * int(files)


def _place_of(node: Node, key: str) -> Place:
    """Where the value of a key stands; the whole, where it is written as a list."""
    return node.entries[key].value.place if isinstance(node, Mapping) else node.place


def _blkio_config(scope: Scope, node: Node, draft: Draft) -> None:
    rates = ("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")
    fields: dict[str, Any] = {}
    for key, entry in scope.mapping(node, "blkio_config", ("weight", "weight_device", *rates)).items():
        if key == "weight":
            fields[key] = scope.integer(entry.value, "weight", 0, 1000)
        else:
            what = "weight" if key == "weight_device" else "rate"
            throttles = (_throttle(scope, item, key, what) for item in scope.items(entry.value, key))
            fields[key] = tuple(throttle for throttle in throttles if throttle)
    draft.limits["blkio"] = BlkioConfig(**fields)


def _throttle(scope: Scope, node: Node, key: str, what: str) -> Throttle | None:
    entries = scope.mapping(node, f"an item of {key}", ("path", what))
    if "path" not in entries or what not in entries:
        scope.problems.add(node.place, f"an item of {key} needs path and {what}")
        return None
    path = scope.text(entries["path"].value, "path")
    whole = what == "weight" or key.endswith("iops")
    rate = scope.integer(entries[what].value, what, 0, 2**53) if whole else scope.bytes(entries[what].value, what)
    return None if path is None or rate is None else Throttle(path, rate)


def _hooks(field: str) -> Reader:
    def read(scope: Scope, node: Node, draft: Draft) -> None:
        if not isinstance(node, Sequence):
            scope.wrong(node, field, "a list")
            return
        draft.options[field] = tuple(hook for item in node.items if (hook := read_hook(scope, item, field)))

    return read


def read_hook(scope: Scope, node: Node, field: str) -> Hook | None:
    keys = ("command", "user", "privileged", "working_dir", "environment")
    values = {key: entry.value for key, entry in scope.mapping(node, f"an item of {field}", keys).items()}
    command = arguments(scope, values["command"], "command") if "command" in values else None
    if not command:
        if "command" not in values:
            scope.problems.add(node.place, f"an item of {field} needs a command")
        return None
    return Hook(
        command=tuple(str(part) for part in command),
        user=(scope.text(values["user"], "user") or "") if "user" in values else "",
        privileged="privileged" in values and scope.boolean(values["privileged"], "privileged") is True,
        working_dir=(scope.text(values["working_dir"], "working_dir") or "") if "working_dir" in values else "",
        environment=scope.pairs(values["environment"], "environment") if "environment" in values else (),
    )


def _use_api_socket(scope: Scope, node: Node, draft: Draft) -> None:
    if scope.boolean(node, "use_api_socket"):
        draft.mounts.append(Mount(MountKind.BIND, "/var/run/docker.sock", "/var/run/docker.sock", create=False))


READERS: dict[str, Reader] = {
    "annotations": _pairs("annotations"),
    "blkio_config": _blkio_config,
    "cap_add": _texts("cap_add"),
    "cap_drop": _texts("cap_drop"),
    "cgroup": _text("cgroup"),
    "cgroup_parent": _text("cgroup_parent"),
    "configs": configs,
    "container_name": _text("container_name"),
    "cpu_period": _limit_micros("cpu_period", "cpu_period"),
    "cpu_quota": _limit_micros("cpu_quota", "cpu_quota"),
    "cpu_rt_period": _limit_micros("cpu_rt_period", "cpu_rt_period"),
    "cpu_rt_runtime": _limit_micros("cpu_rt_runtime", "cpu_rt_runtime"),
    "cpu_shares": _limit_integer("cpu_shares", "cpu_shares"),
    "cpus": _cpus,
    "cpuset": _cpuset,
    "device_cgroup_rules": _texts("device_cgroup_rules"),
    "devices": _devices,
    "dns": _texts("dns"),
    "dns_opt": _texts("dns_opt"),
    "dns_search": _texts("dns_search"),
    "domainname": _text("domainname"),
    "expose": _texts("expose"),
    "external_links": _texts("external_links"),
    "extra_hosts": _extra_hosts,
    "gpus": _gpus,
    "group_add": _texts("group_add"),
    "hostname": _text("hostname"),
    "init": _flag("init"),
    "ipc": _text("ipc"),
    "isolation": _text("isolation"),
    "label_file": _label_file,
    "labels": _pairs("labels"),
    "links": _texts("links"),
    "logging": _logging,
    "mac_address": _text("mac_address"),
    "mem_limit": _limit_bytes("mem_limit", "memory"),
    "mem_reservation": _limit_bytes("mem_reservation", "memory_reservation"),
    "mem_swappiness": _limit_integer("mem_swappiness", "memory_swappiness"),
    "memswap_limit": _limit_bytes("memswap_limit", "memory_swap", UNLIMITED),
    "network_mode": _text("network_mode"),
    "networks": attachments,
    "oom_kill_disable": _oom_kill_disable,
    "oom_score_adj": _limit_integer("oom_score_adj", "oom_score_adj", -1000),
    "pid": _text("pid"),
    "pids_limit": _limit_integer("pids_limit", "pids", UNLIMITED),
    "platform": _text("platform"),
    "post_start": _hooks("post_start"),
    "pre_stop": _hooks("pre_stop"),
    "privileged": _flag("privileged"),
    "pull_policy": _pull_policy,
    "pull_refresh_after": _pull_refresh_after,
    "read_only": _flag("read_only"),
    "secrets": secrets,
    "security_opt": _texts("security_opt"),
    "shm_size": _shm_size,
    "stdin_open": _flag("stdin_open"),
    "storage_opt": _pairs("storage_opt"),
    "sysctls": _pairs("sysctls"),
    "tmpfs": tmpfs,
    "tty": _flag("tty"),
    "ulimits": _ulimits,
    "use_api_socket": _use_api_socket,
    "user": _text("user"),
    "userns_mode": _text("userns_mode"),
    "uts": _text("uts"),
    "volume_driver": _text("volume_driver"),
    "volumes": volumes,
    "volumes_from": _texts("volumes_from"),
}

SILENT_FOR_PROCESSES = frozenset({
    "annotations", "container_name", "expose", "hostname", "init", "labels", "label_file", "platform", "pull_policy",
    "pull_refresh_after", "stdin_open", "tty",
})  # fmt: skip
"""Keys that make no difference to a host process, and need no word about it."""

FOR_PROCESSES_TOO = frozenset({"mem_limit", "logging"})
"""Keys that count for a host process as they do for a container."""
