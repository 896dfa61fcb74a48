"""Several files as one, by Compose's rules: mappings merge key by key, lists are joined, and some keys replace.

Keys that can be written in several ways are brought to one first, so that what is meant meets. An empty value in a
later file leaves an earlier one alone, `!reset` takes it away, and `!override` stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from posixpath import normpath

from devbox.manifest.source import Place
from devbox.manifest.tree import Entry, Mapping, Node, Scalar, Sequence

Path = tuple[str, ...]
_Rule = Callable[[Node, Node, Path], Node]
_Identity = Callable[[Node], str]

_SECTIONS = ("networks", "volumes", "secrets", "configs")
_DRIVE = re.compile(r"[A-Za-z]:\\")


def merge(base: Mapping, over: Mapping, path: Path = ()) -> Mapping:
    """`base` with `over` laid on top of it."""
    entries = dict(base.entries)
    for key, entry in over:
        if entry.value.tag == "!reset":
            entries.pop(key, None)
        elif key in entries:
            below = entries[key]
            entries[key] = Entry(entry.key, _merged(below.value, entry.value, (*path, key)), below)
        else:
            entries[key] = entry
    return replace(base, place=over.place if not path else base.place, entries=entries, tag=over.tag)


def extend(base: Mapping, service: Mapping) -> Mapping:
    """What a service is that extends another."""
    return replace(merge(base, service, ("services", "")), place=service.place)


def marks(node: Mapping) -> Mapping:
    """No more of a mapping than what it resets or overrides, so that laid on another one it clears the ground."""
    entries: dict[str, Entry] = {}
    for key, entry in node:
        if entry.value.tag in ("!reset", "!override"):
            entries[key] = Entry(entry.key, replace(entry.value, tag="!reset"))
        elif isinstance(entry.value, Mapping) and (below := marks(entry.value)).entries:
            entries[key] = Entry(entry.key, below)
    return replace(node, entries=entries)


def without_marks(node: Mapping) -> Mapping:
    """The mapping without what is marked `!reset`, and with nothing marked `!override`, wherever that is."""
    entries = {k: replace(e, value=_without_marks(e.value)) for k, e in node if e.value.tag != "!reset"}
    return replace(node, entries=entries, tag=None)


def _without_marks(node: Node) -> Node:
    if isinstance(node, Mapping):
        return without_marks(node)
    if isinstance(node, Sequence):
        items = tuple(_without_marks(item) for item in node if item.tag != "!reset")
        return replace(node, items=items, tag=None)
    return replace(node, tag=None) if node.tag == "!override" else node


def without_repetition(services: Mapping) -> Mapping:
    """The services with their lists naming each thing once, as Compose has it: what is said last counts."""
    entries = {
        name: replace(entry, value=_each_once(entry.value)) if isinstance(entry.value, Mapping) else entry
        for name, entry in services
    }
    return replace(services, entries=entries)


def _each_once(service: Mapping) -> Mapping:
    changed = {
        key: replace(service.entries[key], value=replace(node, items=items))
        for key, identity in _SERVICE_IDENTITIES.items()
        if isinstance(node := service.get(key), Sequence)
        and len(node.items) > 1
        and len(items := _unique(node.items, identity)) < len(node.items)
    }
    return replace(service, entries={**service.entries, **changed}) if changed else service


def shape(node: Node) -> object:
    """What a node says, without where: two that are written alike are equal."""
    if isinstance(node, Mapping):
        return frozenset((key, shape(entry.value)) for key, entry in node)
    if isinstance(node, Sequence):
        return tuple(map(shape, node.items))
    return None if node.is_null else node.text


# --- rules


def _merged(base: Node, over: Node, path: Path) -> Node:
    if over.tag == "!override":
        return over
    rule = _rule(path)
    if rule is not None:
        return rule(base, over, path)
    if isinstance(over, Scalar) and over.is_null:
        return base
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return merge(base, over, path)
    if isinstance(base, Sequence) and isinstance(over, Sequence):
        return _joined(base, over, path)
    return over


def _rule(path: Path) -> _Rule | None:
    """What is special about the key at `path`, if anything is."""
    section, rest = path[0], path[2:]
    if not rest:
        return None
    if section == "services":
        return _SERVICE_RULES.get(rest) or _SERVICE_RULES.get((*rest[:-1], "*"))
    if section == "networks" and rest == ("ipam", "config"):
        return _pools
    return _pairs if section in _SECTIONS and rest == ("labels",) else None


def _over(base: Node, over: Node, path: Path) -> Node:
    return over


def _pairs(base: Node, over: Node, path: Path) -> Node:
    """Names with values, each of which replaces the earlier one, even if it is empty."""
    first, second = named(base, path[-1]), named(over, path[-1])
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        later = {key: replace(entry, under=first.entries.get(key)) for key, entry in second}
        entries = first.entries | later
        return replace(first, entries={key: entry for key, entry in entries.items() if entry.value.tag != "!reset"})
    return _either(first, second)


def _by_name(base: Node, over: Node, path: Path) -> Node:
    """Names with what is said about them, or a list of names."""
    first, second = named(base, path[-1]), named(over, path[-1])
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return merge(first, second, path)
    return _either(first, second)


def _build(base: Node, over: Node, path: Path) -> Node:
    first, second = _with_context(base), _with_context(over)
    return merge(first, second, path) if isinstance(first, Mapping) and isinstance(second, Mapping) else second


def _with_context(node: Node) -> Node:
    """`build: ./dir` is short for a mapping with a context."""
    if not isinstance(node, Scalar):
        return node
    return Mapping(node.place, {} if node.is_null else {"context": Entry(node.place, node)})


def _logging(base: Node, over: Node, path: Path) -> Node:
    """The options of one driver mean nothing to another."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        drivers = {shape(node) for node in (base.get("driver"), over.get("driver")) if node is not None}
        return merge(base, over, path) if len(drivers) < 2 else over
    return _either(base, over)


def _pools(base: Node, over: Node, path: Path) -> Node:
    """Address pools, of which one is laid on top of an earlier one with the same subnet."""
    if not (isinstance(base, Sequence) and isinstance(over, Sequence)):
        return _either(base, over)
    known = {_text_of(pool, "subnet"): pool for pool in base.items if isinstance(pool, Mapping)}
    pools = [
        merge(known[subnet], pool, path) if isinstance(pool, Mapping) and (subnet := _text_of(pool, "subnet")) in known
        else pool
        for pool in over.items
    ]  # fmt: skip
    return replace(over, items=tuple(pools))


def _either(base: Node, over: Node) -> Node:
    """For what does not fit together: the later one, if it says anything."""
    return base if isinstance(over, Scalar) and over.is_null else over


# --- lists


def _joined(base: Node, over: Node, path: Path) -> Node:
    """Both lists in order, where each thing stands once. A single value is a list of one."""
    first, second = _items(base, path), [item for item in _items(over, path) if item.tag != "!reset"]
    identity = _identity(path)
    if identity is not None:
        return Sequence(over.place, _unique((*first, *second), identity), over.tag)
    known, added = set(map(shape, first)), {shape(item): item for item in second}
    return Sequence(over.place, (*first, *(item for said, item in added.items() if said not in known)), over.tag)


def _items(node: Node, path: Path) -> tuple[Node, ...]:
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Mapping):
        return tuple(_hosts(node)) if path[-1] == "extra_hosts" else (node,)
    return () if node.is_null else (node,)


def _hosts(node: Mapping) -> Iterator[Node]:
    """`extra_hosts` as a list, in which a host can have several addresses."""
    for name, entry in node:
        addresses = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
        for address in addresses:
            yield _with_prefix(address, f"{name}=") if isinstance(address, Scalar) else address


def _with_prefix(node: Scalar, prefix: str) -> Scalar:
    template = node.template and replace(node.template, parts=(prefix, *node.template.parts))
    return replace(node, text=prefix + node.text, plain=False, template=template)


def _unique(items: Iterable[Node], identity: _Identity) -> tuple[Node, ...]:
    """The last item that stands for a thing, where the first one stood."""
    found: dict[str, Node] = {}
    for number, node in enumerate(items):
        found[identity(node) or f"\0{number}"] = node
    return tuple(found.values())


def _identity(path: Path) -> _Identity | None:
    if path[0] != "services":
        return None
    if len(path) == 3:
        return _SERVICE_IDENTITIES.get(path[2])
    return _first_word if path[2:] == ("build", "tags") or path[-1] in ("aliases", "link_local_ips") else None


def _text_of(node: Node, key: str) -> str:
    """The text under a key of a mapping; empty when there is none."""
    value = node.get(key) if isinstance(node, Mapping) else None
    return value.text if isinstance(value, Scalar) and not value.is_null else ""


def _whole(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _first_word(node: Node) -> str:
    return _whole(node).partition("=")[0]


def _env_file(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else _text_of(node, "path")


def _mount_target(node: Node) -> str:
    if isinstance(node, Scalar):
        drive = _DRIVE.match(node.text)
        parts = node.text[drive.end() if drive else 0 :].split(":")
        target = parts[1] if len(parts) > 1 else node.text
    else:
        target = _text_of(node, "target")
    return normpath(target) if target else ""


def _device(node: Node) -> str:
    if not isinstance(node, Scalar):
        return _text_of(node, "target")
    parts = node.text.split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _file_mount(directory: str) -> _Identity:
    def target(node: Node) -> str:
        if isinstance(node, Scalar):
            return f"{directory}/{node.text}"
        return _text_of(node, "target") or f"{directory}/{_text_of(node, 'source')}"

    return target


def _port(node: Node) -> str:
    """Address, ports and protocol, which make two entries the same."""
    if isinstance(node, Scalar):
        text, _, protocol = node.text.partition("/")
        before, _, target = text.rpartition(":")
        host, _, published = before.rpartition(":")
    else:
        target, published = _text_of(node, "target"), _text_of(node, "published")
        host, protocol = _text_of(node, "host_ip"), _text_of(node, "protocol")
    return f"{host.strip('[]') or '0.0.0.0'}:{published}:{target}/{protocol or 'tcp'}" if target else ""


_SERVICE_IDENTITIES: dict[str, _Identity] = {
    "cap_add": _first_word,
    "cap_drop": _first_word,
    "configs": _file_mount(""),
    "devices": _device,
    "dns": _first_word,
    "dns_opt": _first_word,
    "dns_search": _first_word,
    "env_file": _env_file,
    "expose": _whole,
    "links": _first_word,
    "ports": _port,
    "profiles": _first_word,
    "secrets": _file_mount("/run/secrets"),
    "tmpfs": _first_word,
    "volumes": _mount_target,
}
"""What an item of a service's list stands for, where that is less than all of it."""

_SERVICE_RULES: dict[Path, _Rule] = {
    ("annotations",): _pairs,
    ("build",): _build,
    ("build", "additional_contexts"): _pairs,
    ("build", "args"): _pairs,
    ("build", "extra_hosts"): _joined,
    ("build", "labels"): _pairs,
    ("build", "ssh"): _pairs,
    ("command",): _over,
    ("depends_on",): _by_name,
    ("deploy", "labels"): _pairs,
    ("dns",): _joined,
    ("dns_opt",): _joined,
    ("dns_search",): _joined,
    ("entrypoint",): _over,
    ("env_file",): _joined,
    ("environment",): _pairs,
    ("extra_hosts",): _joined,
    ("health",): _over,
    ("healthcheck", "test"): _over,
    ("label_file",): _joined,
    ("labels",): _pairs,
    ("logging",): _logging,
    ("models",): _by_name,
    ("networks",): _by_name,
    ("requires",): _joined,
    ("seed",): _joined,
    ("sysctls",): _pairs,
    ("tasks", "*"): _over,
    ("tmpfs",): _joined,
    ("use",): _over,
    ("x-devbox", "health"): _over,
    ("x-devbox", "requires"): _joined,
    ("x-devbox", "seed"): _joined,
    ("x-devbox", "tasks", "*"): _over,
    ("x-devbox", "use"): _over,
}
"""What is special about the keys of a service. Of devbox's own, those replace whose parts belong together."""


# --- forms


def named(node: Node, key: str) -> Node:
    """A list of names, or of `NAME=value`, as the mapping it is short for."""
    if isinstance(node, Scalar) and node.is_null:
        return Mapping(node.place, {}, node.tag)
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
    said = {"condition": "service_started", "required": "true"}
    return Mapping(value.place, {name: _said(value.place, text) for name, text in said.items()})


def _said(place: Place, text: str) -> Entry:
    return Entry(place, Scalar(place, text, plain=False))


def _after_sign(item: Scalar, length: int) -> Scalar:
    text = item.text[length:]
    if item.template is None:
        return replace(item, text=text, plain=False)
    first = item.template.parts[0]
    parts = (str(first)[length:], *item.template.parts[1:])
    return replace(item, text=text, plain=False, template=replace(item.template, parts=parts))
