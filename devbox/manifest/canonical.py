"""The manifest in Compose's canonical form, for `devbox config`: long syntaxes, absolute paths, sorted keys.

Made of the merged tree, so that a key which devbox does not act on is there all the same. Read again, it gives itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from devbox.domain.container import Attachment, BuildSpec, Device, Mount, MountKind, Ulimit
from devbox.domain.spec import EnvVar, Need, Port, ServiceSpec, Template, Until
from devbox.manifest import builds, mounts, ports
from devbox.manifest.commands import arguments
from devbox.manifest.draft import Draft, FileUse
from devbox.manifest.networks import DEFAULT
from devbox.manifest.references import implied
from devbox.manifest.resources import host_device, secret_target
from devbox.manifest.showing import (
    MASK,
    Data,
    all_doubled,
    doubled,
    masked,
    number,
    plain,
    without_references,
    written,
)
from devbox.manifest.tree import Entry, Node, Scalar, Sequence
from devbox.manifest.tree import Mapping as Tree
from devbox.manifest.units import as_duration, duration, size
from devbox.manifest.values import Scope

if TYPE_CHECKING:
    from devbox.manifest.reading import Reading


def canonical(reading: Reading, *, show_secrets: bool = False, relative: bool = False, normal: bool = True) -> Data:
    """Mappings, lists, texts and numbers. Secrets are masked unless asked for; references stand as they are written.

    With `relative`, paths of the host stay relative to the project's directory. What goes without saying (the default
    network, names made of the project's, services that are implied to be waited for) is only said where it is `normal`.
    """
    app, tree, scope = reading.app, reading.tree, replace(reading.scope, relative=relative)
    nodes = tree.get("services")
    services = {
        name: _Service(scope, draft, node, show_secrets, app.service(name) if normal else None).data()
        for name, draft in sorted(reading.drafts.items())
        if isinstance(nodes, Tree) and isinstance(node := nodes.get(name), Tree)
    }
    data: Data = {"name": app.project, "services": services}
    for section, specs in (("networks", app.networks), ("volumes", app.volumes)):
        keys = [each.key for each in specs if normal or each.key in _keys(tree, section)]
        names = {each.key: each.name if normal else None for each in specs}
        data[section] = {key: _resource(scope, tree, section, key, names[key]) for key in keys}
    for kind in ("secrets", "configs"):
        used = {use.source for draft in reading.drafts.values() for use in _file_uses(draft, kind)}
        declared = used & _keys(tree, kind)
        names = {key: f"{app.project}_{key}" if normal else None for key in sorted(declared)}
        data[kind] = {key: _content(scope, tree, kind, key, name, show_secrets) for key, name in names.items()}
    for key, entry in tree:
        if key.startswith("x-") or key == "models":
            data[key] = plain(entry.value)
    if isinstance(nodes, Tree) and (absent := nodes.entries.keys() - services.keys()):
        data["services"] = {name: _without(each, absent) for name, each in services.items()}
    return {key: value for key, value in data.items() if value or key == "services"}


def _without(service: Data, absent: Set[str]) -> Data:
    """A service that neither waits for nor refers to those that are left out."""
    waits = {name: need for name, need in service.get("depends_on", {}).items() if name not in absent}
    rest = {key: value for key, value in service.items() if key != "depends_on" or waits}
    filled: Data = without_references({**rest, "depends_on": waits} if waits else rest, absent)
    return dict(sorted(filled.items()))


def _words(templates: Iterable[Template]) -> list[str]:
    return [written(template) for template in templates]


def _variables(found: Mapping[str, EnvVar], show_secrets: bool) -> dict[str, str]:
    def value(var: EnvVar) -> str:
        only_references = bool(var.value.parts) and len(var.value.references) == len(var.value.parts)
        return MASK if var.secret and not show_secrets and not only_references else written(var.value)

    return {name: value(found[name]) for name in sorted(found)}


def _given(data: Data) -> Data:
    return {key: value for key, value in data.items() if value not in (None, "", (), [], {}, False)}


# --- services

_DROPPED = frozenset({"extends", "env_file", "label_file"})
"""Keys whose meaning stands in others by now."""

TEXTS = frozenset({
    "cgroup", "cgroup_parent", "container_name", "cpuset", "domainname", "hostname", "image", "ipc", "isolation",
    "mac_address", "network_mode", "pid", "platform", "pull_policy", "restart", "runtime", "stop_signal", "use", "user",
    "userns_mode", "uts", "volume_driver", "working_dir",
})  # fmt: skip
LISTS = frozenset({
    "cap_add", "cap_drop", "device_cgroup_rules", "dns", "dns_opt", "dns_search", "expose", "external_links",
    "group_add", "links", "profiles", "requires", "security_opt", "tmpfs", "volumes_from",
})  # fmt: skip
PAIRS = frozenset({"annotations", "labels", "storage_opt", "sysctls"})
SIZES = frozenset({"mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "shm_size"})
DURATIONS = frozenset({"pull_refresh_after", "stop_grace_period"})


class _Service:
    """One service on its way to canonical form. Without its `spec`, nothing is said that goes without saying."""

    def __init__(
        self, scope: Scope, draft: Draft, node: Tree, show_secrets: bool, spec: ServiceSpec | None = None
    ) -> None:
        self._scope, self._draft, self._node, self._show, self._spec = scope, draft, node, show_secrets, spec

    def data(self) -> Data:
        own = {key: self._masked_value(key, entry.value) for key, entry in self._node if key not in _DROPPED}
        draft = self._draft
        if "env_file" in self._node.entries or "environment" in self._node.entries:
            own["environment"] = self._variables_in_all()
        if draft.file_labels:
            own["labels"] = dict(draft.file_labels) | own.get("labels", {})
        if waits := self._depends_on(self._node):
            own["depends_on"] = waits
        if self._spec is not None and draft.is_container and not own.get("networks") and not own.get("network_mode"):
            own["networks"] = {DEFAULT: None}
        return {key: own[key] for key in sorted(own) if own[key] not in ({}, [])}

    def _masked_value(self, key: str, node: Node) -> Any:
        value = self._value(key, node)
        return value if self._show else masked(value, node, self._scope.variables)

    def _value(self, key: str, node: Node) -> Any:
        if key in _SHAPES:
            return _SHAPES[key](self, node)
        if key in TEXTS:
            return self._text(node)
        if key in LISTS:
            return [doubled(text) for text in self._scope.texts(node, key)]
        if key in PAIRS:
            return {name: doubled(text) for name, text in self._scope.pairs(node, key)}
        if key in SIZES:
            return _as_bytes(node)
        return _as_duration(node) if key in DURATIONS else plain(node)

    def _text(self, node: Node) -> Any:
        if not isinstance(node, Scalar) or node.is_null:
            return plain(node)
        return written(node.template) if node.template else doubled(node.text)

    def _path(self, node: Node) -> Any:
        """A path of the host, absolute."""
        if not isinstance(node, Scalar) or node.is_null:
            return plain(node)
        return doubled(self._scope.path(node.place, node.text))

    def _working_dir(self, node: Node) -> Any:
        return self._text(node) if self._draft.is_container else self._path(node)

    def _command(self, node: Node) -> Any:
        words = arguments(self._scope, node, "command")
        return None if words is None else _words(words)

    def _environment(self, _: Node) -> Any:
        return {}

    def _variables_in_all(self) -> dict[str, str | None]:
        """The variables of files and of the service itself; None for one that has no value here."""
        draft, node = self._draft, self._node.get("environment")
        names = self._scope.by_name(node, "environment") if node is not None else ()
        found = _variables({**draft.file_environment, **draft.environment}, self._show)
        return dict(sorted({**dict.fromkeys(names), **found}.items()))

    def _ports(self, node: Node) -> list[Data]:
        found: dict[Port, Data] = {}
        for item in self._scope.items(node, "ports"):
            for port in ports.ports(self._scope, Sequence(item.place, (item,))):
                found.setdefault(port, _port(port, item))
        return list(found.values())

    def _volumes(self, node: Node) -> list[Data]:
        found: dict[str, Data] = {}
        for item in self._scope.items(node, "volumes"):
            fresh = Draft(self._draft.name, self._draft.place)
            mounts.volumes(self._scope, Sequence(item.place, (item,)), fresh)
            for mount in fresh.mounts:
                found.pop(mount.target, None)
                found[mount.target] = _with_rest(_mount(mount), item)
        return list(found.values())

    def _networks(self, node: Node) -> dict[str, Data | None]:
        written = node if isinstance(node, Tree) else Tree(node.place)
        return {
            each.network: _with_rest(all_doubled(_attachment(each)), written.get(each.network)) or None
            for each in self._draft.networks
        }

    def _depends_on(self, _: Node) -> dict[str, Data]:
        """What it waits for: what it says, and what it shares a part of or is linked to."""
        found = {name: _dependency(each.need) for name, each in self._draft.depends_on.items()}
        if self._spec is not None:
            shared = set(implied(self._spec))
            found |= {n.service: _dependency(n) for n in self._spec.needs if n.service in shared - found.keys()}
        return dict(sorted(found.items()))

    def _secrets(self, _: Node) -> list[Data]:
        return [_file_use(replace(use, target=secret_target(use))) for use in self._draft.secrets]

    def _configs(self, _: Node) -> list[Data]:
        return [_file_use(use) for use in self._draft.configs]

    def _build(self, node: Node) -> Data | None:
        fresh = Draft(self._draft.name, self._draft.place)
        builds.build(self._scope, node, fresh)
        if fresh.build is None:
            return None
        data = _with_rest(_build(fresh.build, fresh.build_secrets), node)
        if self._spec is not None and not data.get("dockerfile_inline"):
            data.setdefault("dockerfile", "Dockerfile")
        return dict(sorted(data.items()))

    def _healthcheck(self, node: Node) -> Any:
        data = _timed(node)
        test = data.get("test") if isinstance(data, dict) else None
        return data if test is None or isinstance(test, list) else {**data, "test": ["CMD-SHELL", test]}

    def _health(self, node: Node) -> Any:
        data = _timed(node)
        ca = node.get("ca") if isinstance(node, Tree) else None
        return data if ca is None else {**data, "ca": self._path(ca)}

    def _extra_hosts(self, _: Node) -> list[str]:
        hosts = self._draft.options.get("extra_hosts") or ()
        return [doubled(f"{name}={address}") for name, address in hosts]

    def _devices(self, _: Node) -> list[Data]:
        return [_device(device) for device in self._draft.options.get("devices") or ()]

    def _ulimits(self, node: Node) -> Any:
        return plain(node)

    def _gpus(self, node: Node) -> Any:
        data = plain(node)
        return [{"count": -1}] if data == "all" else data

    def _deploy(self, node: Node) -> Any:
        data = plain(node)
        resources = data.get("resources") if isinstance(data, dict) else None
        for kind in ("limits", "reservations"):
            share = resources.get(kind) if isinstance(resources, dict) else None
            if isinstance(share, dict) and "memory" in share:
                share["memory"] = _bytes_text(share["memory"])
            if isinstance(share, dict) and "cpus" in share:
                share["cpus"] = number(str(share["cpus"]))
        if isinstance(node, Tree) and (labels := node.get("labels")) is not None:
            data["labels"] = all_doubled(dict(self._scope.pairs(labels, "labels")))
        return data

    def _hooks(self, node: Node) -> Any:
        return [self._hook(item) for item in node] if isinstance(node, Sequence) else plain(node)

    def _hook(self, node: Node) -> Any:
        data = plain(node)
        if isinstance(node, Tree) and (command := node.get("command")) is not None:
            data["command"] = self._command(command)
        if isinstance(node, Tree) and (variables := node.get("environment")) is not None:
            data["environment"] = all_doubled(dict(self._scope.pairs(variables, "environment")))
        return data

    def _develop(self, node: Node) -> Any:
        data = plain(node)
        watch = node.get("watch") if isinstance(node, Tree) else None
        return {**data, "watch": self._watch(watch)} if watch is not None else data

    def _watch(self, node: Node) -> Any:
        if isinstance(node, Scalar) and node.is_null:
            return None
        return [self._watch_rule(item) for item in node] if isinstance(node, Sequence) else [self._watch_rule(node)]

    def _watch_rule(self, node: Node) -> Any:
        if isinstance(node, Scalar):
            return self._path(node)
        if isinstance(node, Tree) and (path := node.get("path")) is not None:
            return {**plain(node), "path": self._path(path)}
        return plain(node)

    def _seed(self, node: Node) -> Any:
        return [self._path(item) for item in self._scope.items(node, "seed")]

    def _extension(self, node: Node) -> Any:
        if not isinstance(node, Tree):
            return plain(node)
        return {key: self._value(key, entry.value) for key, entry in node}


_SHAPES: dict[str, Callable[[_Service, Node], Any]] = {
    "build": _Service._build,
    "command": _Service._command,
    "configs": _Service._configs,
    "depends_on": _Service._depends_on,
    "deploy": _Service._deploy,
    "develop": _Service._develop,
    "devices": _Service._devices,
    "entrypoint": _Service._command,
    "environment": _Service._environment,
    "extra_hosts": _Service._extra_hosts,
    "gpus": _Service._gpus,
    "health": _Service._health,
    "healthcheck": _Service._healthcheck,
    "networks": _Service._networks,
    "ports": _Service._ports,
    "post_start": _Service._hooks,
    "pre_stop": _Service._hooks,
    "secrets": _Service._secrets,
    "seed": _Service._seed,
    "volumes": _Service._volumes,
    "watch": _Service._watch,
    "working_dir": _Service._working_dir,
    "x-devbox": _Service._extension,
}


_CONDITIONS = {
    Until.STARTED: "service_started",
    Until.READY: "service_healthy",
    Until.COMPLETED: "service_completed_successfully",
}


def _dependency(need: Need) -> Data:
    data: Data = {"condition": _CONDITIONS[need.until], "required": need.required}
    return {**data, "restart": True} if need.restart else data


def _port(port: Port, written: Node) -> Data:
    said: Data = plain(written) if isinstance(written, Tree) else {}
    data: Data = {"mode": said.get("mode") or "ingress", "host_ip": doubled(port.host), "target": port.target}
    if port.published is not None:
        data["published"] = str(port.published)
    return _with_rest({**data, "protocol": port.protocol}, written)


def _with_rest(data: Data, written: Node | None) -> Data:
    """Canonical data with what was written besides: keys that are carried on, and acted on by nobody."""
    if not isinstance(written, Tree):
        return data
    for key, entry in written:
        if isinstance(data.get(key), dict):
            data[key] = _with_rest(data[key], entry.value)
        elif key not in data and key not in _CARRIED and (value := plain(entry.value)) not in (None, "", {}, []):
            data[key] = value
    return data


_CARRIED = frozenset({"published", "host_ip", "source", "ssh"})
"""Keys that stand in canonical data in another way, or were left out because they say nothing."""


def _mount(mount: Mount) -> Data:
    data: Data = {"type": str(mount.kind)}
    if mount.source:
        data["source"] = mount.source
    data["target"] = mount.target
    if mount.read_only:
        data["read_only"] = True
    match mount.kind:
        case MountKind.BIND:
            bind = {"propagation": mount.propagation, "create_host_path": mount.create, "selinux": mount.selinux}
            bind["recursive"] = mount.recursive
            data["bind"] = {key: value for key, value in bind.items() if value != ""}
        case MountKind.VOLUME:
            volume = {"labels": dict(mount.labels), "nocopy": mount.nocopy, "subpath": mount.subpath}
            data["volume"] = _given(volume)
        case MountKind.IMAGE:
            data["image"] = _given({"subpath": mount.subpath})
        case MountKind.TMPFS:
            size_text = None if mount.size is None else str(mount.size)
            data["tmpfs"] = _given({"size": size_text, "mode": mount.mode})
    return all_doubled(data)


def _attachment(attachment: Attachment) -> Data:
    return _given(
        {
            "aliases": list(attachment.aliases),
            "driver_opts": dict(attachment.driver_opts),
            "gw_priority": attachment.gw_priority,
            "interface_name": attachment.interface_name,
            "ipv4_address": attachment.ipv4_address,
            "ipv6_address": attachment.ipv6_address,
            "link_local_ips": list(attachment.link_local_ips),
            "mac_address": attachment.mac_address,
            "priority": attachment.priority,
        }
    )


def _device(device: Device) -> Data:
    return all_doubled({"source": device.host, "target": device.container, "permissions": device.permissions})


def _file_use(use: FileUse) -> Data:
    mode = None if use.mode is None else f"{use.mode:04o}"
    data = {"source": use.source, "target": use.target, "uid": use.uid, "gid": use.gid, "mode": mode}
    return all_doubled(_given(data))


def _file_uses(draft: Draft, kind: str) -> list[FileUse]:
    return [*draft.secrets, *draft.build_secrets] if kind == "secrets" else draft.configs


def _build(build: BuildSpec, secrets: Iterable[FileUse]) -> Data:
    data: Data = {each.name: getattr(build, each.name) for each in fields(BuildSpec)}
    inline = data.pop("inline")
    data["dockerfile_inline"] = inline
    for key in ("args", "labels", "additional_contexts"):
        data[key] = dict(data[key])
    data["extra_hosts"] = [f"{name}={address}" for name, address in build.extra_hosts]
    data["shm_size"] = None if build.shm_size is None else str(build.shm_size)
    data["ulimits"] = {limit.name: _ulimit(limit) for limit in build.ulimits}
    data = {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
    data = {**all_doubled(data), "secrets": [_file_use(use) for use in secrets]}
    return dict(sorted(_given(data).items()))


def _ulimit(limit: Ulimit) -> int | dict[str, int]:
    return limit.soft if limit.soft == limit.hard else {"soft": limit.soft, "hard": limit.hard}


_TIMES = frozenset({"interval", "timeout", "start_period", "start_interval"})


def _timed(node: Node) -> Any:
    if not isinstance(node, Tree):
        return plain(node)
    return {key: _as_duration(entry.value) if key in _TIMES else plain(entry.value) for key, entry in node}


def _as_duration(node: Node) -> Any:
    seconds = duration(node.text) if isinstance(node, Scalar) and not node.is_null else None
    return plain(node) if seconds is None else as_duration(seconds)


def _as_bytes(node: Node) -> Any:
    return plain(node) if not isinstance(node, Scalar) or node.is_null else _bytes_text(node.text)


def _bytes_text(value: object) -> str:
    found = size(str(value))
    return str(value) if found is None else str(found)


# --- what stands beside the services


def _keys(tree: Tree, section: str) -> set[str]:
    nodes = tree.get(section)
    return set(nodes.entries) if isinstance(nodes, Tree) else set()


def _entries(tree: Tree, section: str, key: str) -> dict[str, Entry]:
    nodes = tree.get(section)
    node = nodes.get(key) if isinstance(nodes, Tree) else None
    return node.entries if isinstance(node, Tree) else {}


def _resource(scope: Scope, tree: Tree, section: str, key: str, name: str | None) -> Data:
    """A network or a volume; with no `name`, it is what the manifest says."""
    entries = _entries(tree, section, key)
    data: Data = {"name": doubled(name)} if name is not None else {}
    for each, entry in sorted(entries.items()):
        if each in ("labels", "driver_opts"):
            data[each] = {label: doubled(text) for label, text in scope.pairs(entry.value, each)}
            if each == "driver_opts" and section == "volumes":
                data[each] = dict(host_device(scope, entry.value, tuple(data[each].items())))
        elif each == "external":
            data |= {"external": True} if plain(entry.value) not in (False, None) else {}
        elif each != "name" or name is None:
            data[each] = plain(entry.value)
    return data


def _content(scope: Scope, tree: Tree, section: str, key: str, name: str | None, show_secrets: bool) -> Data:
    data: Data = {"name": name} if name is not None else {}
    for each, entry in sorted(_entries(tree, section, key).items()):
        data[each] = plain(entry.value) if show_secrets else masked(plain(entry.value), entry.value, scope.variables)
        if each == "file" and isinstance(entry.value, Scalar):
            data[each] = doubled(scope.path(entry.value.place, entry.value.text))
        elif each == "content" and section == "secrets" and not show_secrets:
            data[each] = MASK
    return data
