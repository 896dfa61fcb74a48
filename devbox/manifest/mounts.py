"""`volumes` and `tmpfs` of a service, in Compose's short and long forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from devbox.domain.container import Mount, MountKind
from devbox.manifest.draft import Draft, Wanted
from devbox.manifest.tree import Entry, Mapping, Node, Scalar
from devbox.manifest.units import size
from devbox.manifest.values import Scope, shown

KINDS = ("bind", "volume", "tmpfs", "image", "cluster", "npipe")
_ELSEWHERE = {"cluster": "a swarm: other engines refuse it", "npipe": "Windows: other engines refuse it"}
LONG_KEYS = ("type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs", "image")
_SOURCES = {MountKind.IMAGE: "name of the image", MountKind.CLUSTER: "volume's name", MountKind.NPIPE: "pipe's path"}
_PROPAGATION = frozenset({"shared", "rshared", "slave", "rslave", "private", "rprivate"})
RECURSIVE = ("enabled", "disabled", "writable", "readonly")
_IGNORED_MODES = frozenset({"rw", "cached", "delegated", "consistent", "default"})
_SHORT_HINT = "Write NAME:/path, ./here:/path or /path, with :ro to forbid writing."
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")


def volumes(scope: Scope, node: Node, draft: Draft) -> None:
    """The mounts of the list, each target once."""
    for item in scope.items(node, "volumes"):
        found = _long(scope, item, draft) if isinstance(item, Mapping) else _short(scope, item, draft)
        if found is not None:
            draft.mounts = [mount for mount in draft.mounts if mount.target != found.target]
            draft.mounts.append(found)


def tmpfs(scope: Scope, node: Node, draft: Draft) -> None:
    """`/run`, or `/run:size=64m,mode=1777`."""
    for item in scope.items(node, "tmpfs"):
        text = scope.text(item, "tmpfs")
        if not text:
            continue
        target, _, options = text.partition(":")
        fields: dict[str, Any] = {}
        for option in filter(None, options.split(",")):
            name, _, value = option.partition("=")
            if name == "size":
                fields["size"] = size(value)
            elif name == "mode" and re.fullmatch("[0-7]{1,5}", value):
                fields["mode"] = int(value, 8)
            elif name == "ro":
                fields["read_only"] = True
            elif name not in ("rw", "noexec", "exec", "nosuid", "suid", "nodev", "dev", "uid", "gid"):
                scope.problems.add(
                    item.place.find(option), f"tmpfs has no option {shown(option)}", "Known: size, mode."
                )
        draft.mounts.append(Mount(MountKind.TMPFS, target, **fields))


def _short(scope: Scope, node: Node, draft: Draft) -> Mount | None:
    text = scope.text(node, "a volume")
    if text is None:
        return None
    parts = list(_parts(text))
    if not 0 < len(parts) <= 3 or not all(parts):
        scope.problems.add(node.place, f"{shown(text)} is not a volume", _SHORT_HINT)
        return None
    if len(parts) == 1:
        return Mount(MountKind.VOLUME, parts[0])
    source, target = parts[0], parts[1]
    if not _is_absolute(target):
        hint = "The path in the container begins with /."
        scope.problems.add(node.place.find(target), f"{shown(target)} is not a path in a container", hint)
        return None
    fields = _modes(scope, node, parts[2]) if len(parts) == 3 else {}
    if _is_path(source):
        return Mount(MountKind.BIND, target, _host_path(scope, node, source), **fields)
    draft.volume_uses.append(Wanted(source, node.place.find(source)))
    fields.pop("propagation", None)
    return Mount(MountKind.VOLUME, target, source, **fields)


def _parts(text: str) -> Iterator[str]:
    """What stands between the colons, but for the colon after a Windows drive."""
    rest = text
    while rest:
        drive = _WINDOWS.match(rest)
        end = rest.find(":", drive.end() if drive else 0)
        yield rest if end < 0 else rest[:end]
        rest = "" if end < 0 else rest[end + 1 :]
        if end >= 0 and not rest:
            yield ""


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or _WINDOWS.match(path) is not None


def _is_path(source: str) -> bool:
    return source.startswith((".", "~")) or _is_absolute(source)


def _host_path(scope: Scope, node: Node, source: str) -> str:
    if _WINDOWS.match(source):
        return source
    return scope.path(node.place, source)


def _modes(scope: Scope, node: Node, text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for mode in text.split(","):
        if mode == "ro":
            fields["read_only"] = True
        elif mode in ("z", "Z"):
            fields["selinux"] = mode
        elif mode in ("nocopy", "volume-nocopy"):
            fields["nocopy"] = True
        elif mode in _PROPAGATION:
            fields["propagation"] = mode
        elif mode not in _IGNORED_MODES:
            hint = "Known: ro, rw, z, Z, nocopy, and the kinds of propagation."
            scope.problems.add(node.place.find(mode), f"a volume has no mode {shown(mode)}", hint)
    return fields


def _long(scope: Scope, node: Mapping, draft: Draft) -> Mount | None:
    entries = scope.mapping(node, "a volume", LONG_KEYS)
    texts: dict[str, str | None] = {
        key: scope.text(entries[key].value, f"{key} of a volume")
        for key in ("type", "source", "target", "consistency")
        if key in entries
    }
    if not texts.get("target"):
        if "target" not in entries:
            scope.problems.add(
                node.place, "a volume in long form needs a target", "target is the path in the container."
            )
        return None
    kind = _kind(scope, entries, texts)
    if kind is None:
        return None
    fields = _long_options(scope, entries)
    if "read_only" in entries:
        fields["read_only"] = scope.boolean(entries["read_only"].value, "read_only") is True
    source = texts.get("source") or ""
    if kind in (MountKind.IMAGE, MountKind.CLUSTER, MountKind.NPIPE) and not source:
        hint = f"source is the {_SOURCES[kind]}."
        scope.problems.add(node.place, f"a volume of type {kind} needs a source", hint)
        return None
    if kind is MountKind.BIND:
        if not source:
            scope.problems.add(node.place, "a bind mount needs a source", "source is the path on the host.")
            return None
        source = _host_path(scope, entries["source"].value, source)
    elif kind is MountKind.VOLUME and source:
        draft.volume_uses.append(Wanted(source, entries["source"].value.place))
    return Mount(kind, str(texts["target"]), source, **fields)


def _kind(scope: Scope, entries: dict[str, Entry], texts: dict[str, str | None]) -> MountKind | None:
    if "type" not in entries:
        return MountKind.BIND if _is_path(texts.get("source") or "") else MountKind.VOLUME
    text = scope.choice(entries["type"].value, "type of a volume", KINDS)
    if text in _ELSEWHERE:
        scope.problems.note(entries["type"].value.place, f"a volume of type {text} is one for {_ELSEWHERE[text]}")
    return MountKind(text) if text else None


def _long_options(scope: Scope, entries: dict[str, Entry]) -> dict[str, Any]:
    fields: dict[str, Any] = {"create": True}
    if "bind" in entries:
        keys = ("propagation", "create_host_path", "selinux", "recursive")
        for key, entry in scope.mapping(entries["bind"].value, "bind", keys).items():
            if key == "create_host_path":
                fields["create"] = scope.boolean(entry.value, key) is not False
            elif key == "propagation":
                fields["propagation"] = scope.choice(entry.value, key, sorted(_PROPAGATION)) or ""
            elif key == "selinux":
                fields["selinux"] = scope.choice(entry.value, key, ("z", "Z")) or ""
            elif key == "recursive":
                fields["recursive"] = scope.choice(entry.value, key, RECURSIVE) or ""
    if "volume" in entries:
        for key, entry in scope.mapping(entries["volume"].value, "volume", ("nocopy", "subpath", "labels")).items():
            if key == "nocopy":
                fields["nocopy"] = scope.boolean(entry.value, key) is True
            elif key == "subpath":
                fields["subpath"] = scope.text(entry.value, key) or ""
            elif key == "labels":
                fields["labels"] = scope.pairs(entry.value, "labels")
    if "image" in entries:
        for key, entry in scope.mapping(entries["image"].value, "image", ("subpath",)).items():
            fields[key] = scope.text(entry.value, key) or ""
    if "tmpfs" in entries:
        for key, entry in scope.mapping(entries["tmpfs"].value, "tmpfs", ("size", "mode")).items():
            if key == "size":
                fields["size"] = scope.bytes(entry.value, key)
            elif key == "mode":
                fields["mode"] = file_mode(scope, entry.value)
    return fields


def file_mode(scope: Scope, node: Node) -> int | None:
    """A file mode: octal where it begins with 0 or stands in quotes, as in YAML; else in decimal."""
    text = scope.text(node, "mode")
    if text is None:
        return None
    octal = text.startswith("0") or not (isinstance(node, Scalar) and node.plain)
    if re.fullmatch(r"0?o?[0-7]{1,5}" if octal else r"[0-9]{1,5}", text):
        return int(text.replace("o", ""), 8 if octal else 10)
    scope.problems.add(node.place, f"{shown(text)} is no file mode", "Write it in octal: 0440.")
    return None
