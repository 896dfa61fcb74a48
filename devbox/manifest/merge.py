"""Several files as one, by Compose's rules: mappings merge key by key, lists are joined, and some keys replace.

Keys that can be written as a list and as a mapping are brought to one form first, so that entries meet by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from devbox.manifest.tree import Entry, Mapping, Node, Scalar, Sequence

Path = tuple[str, ...]

_SERVICE_REPLACES = frozenset({"command", "entrypoint", "use", "health"})
_BY_NAME = frozenset({"environment", "labels", "depends_on", "networks", "sysctls", "extra_hosts", "annotations"})


def merge(base: Mapping, over: Mapping, path: Path = ()) -> Mapping:
    """`base` with `over` laid on top of it."""
    entries = dict(base.entries)
    for key, entry in over:
        if _tag(entry.value) == "!reset":
            entries.pop(key, None)
        elif key in entries:
            entries[key] = Entry(entry.key, _merged(entries[key].value, entry.value, (*path, key)))
        else:
            entries[key] = entry
    return replace(base, place=over.place if not path else base.place, entries=entries)


def _merged(base: Node, over: Node, path: Path) -> Node:
    if _tag(over) == "!override" or _replaces(path):
        return over
    if len(path) == 3 and path[0] == "services" and path[2] in _BY_NAME:
        base, over = named(base, path[2]), named(over, path[2])
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return merge(base, over, path)
    if isinstance(base, Sequence) and isinstance(over, Sequence):
        return replace(over, items=_joined(base.items, over.items, _identity(path)))
    return over


def _replaces(path: Path) -> bool:
    service_key = path[2] if len(path) > 2 and path[0] == "services" else ""
    return (len(path) == 3 and service_key in _SERVICE_REPLACES) or path[2:] == ("healthcheck", "test")


def _tag(node: Node) -> str | None:
    return node.tag


def _joined(base: Iterable[Node], over: Iterable[Node], identity: Callable[[Node], str]) -> tuple[Node, ...]:
    """Both lists in order; an item of the second replaces the one of the first that stands for the same thing."""
    items: dict[str, Node] = {}
    for number, node in enumerate([*base, *over]):
        items[identity(node) or f"\0{number}"] = node
    return tuple(items.values())


def _identity(path: Path) -> Callable[[Node], str]:
    """What an item of the list at `path` stands for: volumes and secrets are known by their target."""
    if path[-1] == "volumes":
        return _mount_target
    return _whole_text


def _whole_text(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _mount_target(node: Node) -> str:
    if isinstance(node, Mapping):
        target = node.get("target")
        return target.text if isinstance(target, Scalar) else ""
    parts = _whole_text(node).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def named(node: Node, key: str) -> Node:
    """A list of names, or of `NAME=value`, as the mapping it is short for."""
    if not isinstance(node, Sequence) or not all(isinstance(item, Scalar) for item in node.items):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        if isinstance(item, Scalar):
            name, sign, _ = item.text.partition("=")
            value = _after_sign(item, len(name) + 1) if sign else Scalar(item.place, "")
            entries[name] = Entry(item.place, _default(key, value))
    return Mapping(node.place, entries, node.tag)


def _default(key: str, value: Scalar) -> Node:
    """What a bare name means under a key."""
    if key != "depends_on" or value.text:
        return value
    return Mapping(value.place, {"condition": Entry(value.place, Scalar(value.place, "service_started", plain=False))})


def _after_sign(item: Scalar, length: int) -> Scalar:
    text = item.text[length:]
    if item.template is None:
        return replace(item, text=text, plain=False)
    first = item.template.parts[0]
    parts = (str(first)[length:], *item.template.parts[1:])
    return replace(item, text=text, plain=False, template=replace(item.template, parts=parts))
