"""`ports` in Compose's short and long forms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ByName
from pathlib import Path

from devbox.domain.errors import UsageError
from devbox.domain.spec import Port, ServiceSpec
from devbox.manifest.draft import Draft
from devbox.manifest.interpolate import Variables
from devbox.manifest.source import Place, Problems, Source
from devbox.manifest.tree import Mapping, Node, Scalar
from devbox.manifest.values import Scope, shown

_SHORT = re.compile(
    r"(?:(?:(?P<host>\[[0-9a-fA-F:.]+\]|[0-9.]+|localhost|[a-zA-Z][\w.-]*):)?(?P<published>\d+(?:-\d+)?)?:)?"
    r"(?P<target>\d+(?:-\d+)?)(?:/(?P<protocol>\w+))?",
    re.ASCII,
)
LONG_KEYS = ("target", "published", "host_ip", "protocol", "mode", "name", "app_protocol")
_PROTOCOLS = ("tcp", "udp")
_LONGEST_RANGE = _MOST_PORTS = 1000

_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})
LOCAL = "127.0.0.1"
"""Where a port is published unless the manifest says otherwise: for this machine alone."""


def ports(scope: Scope, node: Node) -> list[Port]:
    """Every port the list names."""
    found: list[Port] = []
    for item in scope.items(node, "ports"):
        found.extend(_long(scope, item) if isinstance(item, Mapping) else _short(scope, item))
        if len(found) > _MOST_PORTS:
            scope.problems.add(item.place, f"these are more than {_MOST_PORTS} ports")
            break
    return list(dict.fromkeys(found))


def note_shared(services: Iterable[ServiceSpec], drafts: ByName[str, Draft], problems: Problems) -> None:
    """A word for each port of this machine that two services want: only one of them can run at a time."""
    taken: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for service in services:
        for port in service.ports:
            if port.published is None:
                continue
            holders = taken.setdefault((port.published, port.protocol), [])
            other = next((name for name, host in holders if name != service.name and _meet(host, port.host)), None)
            holders.append((service.name, port.host))
            if other is not None:
                words = f"{service.name} and {other} both want the port {port.published} of this machine"
                place = drafts[service.name].keys.get("ports", drafts[service.name].place)
                problems.note(place, f"{words}: only one of them can run at a time")


def _meet(one: str, other: str) -> bool:
    return one == other or not _EVERYWHERE.isdisjoint((one, other))


def from_texts(texts: Iterable[str]) -> list[Port]:
    """The ports of a command line, in the short form. Raises UsageError for what is none."""
    problems = Problems()
    place = Place(Source(Path.cwd(), "--publish"))
    scope = Scope(problems, Variables({}), Path.cwd())
    found = [port for text in texts for port in _short(scope, Scalar(place, text, plain=False))]
    if problems.found:
        raise UsageError(problems.found[0].message, hint=problems.found[0].hint)
    return found


def _short(scope: Scope, node: Node) -> Iterator[Port]:
    text = scope.text(node, "a port", "a port number or a text such as 8080:80")
    match = _SHORT.fullmatch(text) if text is not None else None
    if match is None or text is None:
        if text is not None:
            hint = "Write 80, 8080:80 or 127.0.0.1:8080:80, with /udp for UDP."
            scope.problems.add(node.place, f"{shown(text)} is not a port", hint)
        return
    protocol = match["protocol"] or "tcp"
    if protocol not in _PROTOCOLS:
        scope.problems.add(node.place.find(protocol), f"ports are tcp or udp, not {shown(protocol)}")
        return
    host = (match["host"] or LOCAL).strip("[]")
    yield from _range(scope, node, match["target"], match["published"], host, protocol)


def _range(scope: Scope, node: Node, target: str, published: str | None, host: str, protocol: str) -> Iterator[Port]:
    targets = _numbers(scope, node, target, 1)
    hosts = _numbers(scope, node, published, 0) if published else [None] * len(targets)
    if not targets or not hosts:
        return
    if len(targets) != len(hosts):
        message = f"{published} and {target} are ranges of different length"
        scope.problems.add(node.place, message, "Name as many host ports as container ports.")
        return
    for inside, outside in zip(targets, hosts, strict=True):
        # Port 0 on the host means any.
        yield Port(inside, outside or None, host, protocol)


def _numbers(scope: Scope, node: Node, text: str, lowest: int) -> list[int]:
    first, _, last = text.partition("-")
    low, high = int(first[:9]), int((last or first)[:9])
    if high - low >= _LONGEST_RANGE and high <= 65535:
        scope.problems.add(node.place.find(text), f"{text} is a range of more than {_LONGEST_RANGE} ports")
        return []
    if not lowest <= low <= high <= 65535:
        scope.problems.add(node.place.find(text), f"{shown(text)} is outside of the ports there are, 1 to 65535")
        return []
    return list(range(low, high + 1))


def _long(scope: Scope, node: Mapping) -> Iterator[Port]:
    entries = scope.mapping(node, "a port", LONG_KEYS)
    if "target" not in entries:
        hint = "target is the port that the service itself listens on."
        scope.problems.add(node.place, "a port in long form needs a target", hint)
        return
    texts = {key: scope.text(entry.value, f"{key} of a port") or "" for key, entry in entries.items()}
    protocol = texts.get("protocol") or "tcp"
    if protocol not in _PROTOCOLS:
        scope.problems.add(entries["protocol"].value.place, f"ports are tcp or udp, not {shown(protocol)}")
        return
    for key in ("target", "published"):
        if texts.get(key) and not re.fullmatch(r"\d+(-\d+)?", texts[key], re.ASCII):
            place = entries[key].value.place
            scope.problems.add(
                place, f"{shown(texts[key])} is not a port", "Write a number, or a range such as 8000-8005."
            )
            return
    if texts["target"]:
        host = texts.get("host_ip") or LOCAL
        yield from _range(scope, node, texts["target"], texts.get("published") or None, host, protocol)
