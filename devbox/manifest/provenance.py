"""Where each value of a service comes from, and what it overrode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devbox.domain.spec import EnvVar
from devbox.manifest.canonical import MASK, canonical, plain
from devbox.manifest.reading import Reading
from devbox.manifest.source import Place, display_name
from devbox.manifest.tree import Entry, Mapping, Node


@dataclass(frozen=True, slots=True)
class Said:
    """A value at one place of the manifest: `file:line:column`, and the value as it is shown."""

    origin: str
    value: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """One value of a service. `key` is its path below the service; `overrode` is what it stands on, nearest first."""

    key: str
    value: str
    origin: str
    overrode: tuple[Said, ...] = ()
    secret: bool = False


def provenance(reading: Reading, service: str, *, show_secrets: bool = False) -> tuple[Provenance, ...]:
    """Every value that the manifest gives a service, in canonical form. Raises KeyError where there is none."""
    data = canonical(reading, show_secrets=show_secrets)["services"][service]
    services = reading.tree.get("services")
    node = services.get(service) if isinstance(services, Mapping) else None
    if not isinstance(node, Mapping):
        return ()
    found: list[Provenance] = []
    for key, entry in node:
        if key in ("environment", "env_file"):
            continue
        if key in data:
            found += _values(key, entry, data[key])
    found += _environment(reading, service, node, data.get("environment", {}))
    return tuple(sorted(found, key=lambda each: each.key))


def _values(key: str, entry: Entry, data: Any) -> Iterator[Provenance]:
    """The values below a key: one for each where it holds a mapping, else one for all."""
    if isinstance(data, dict) and data and isinstance(entry.value, Mapping):
        known = {name: each for name, each in entry.value if name in data}
        for name, value in data.items():
            if name in known:
                yield from _values(f"{key}.{name}", known[name], value)
            else:
                yield Provenance(f"{key}.{name}", _shown(value), where(entry.key))
        return
    yield Provenance(key, _shown(data), where(entry.key), tuple(_below(entry)))


def _below(entry: Entry) -> Iterator[Said]:
    """What was said before, for as long as that was something else at another place."""
    under = entry.under
    while under is not None:
        yield Said(where(under.key), _shown(plain(under.value)))
        under = under.under


def _environment(reading: Reading, service: str, node: Mapping, shown: dict[str, str]) -> Iterator[Provenance]:
    draft = reading.drafts[service]
    entry = node.entries.get("environment")
    written = entry.value if entry is not None else None
    for name, var in {**draft.file_environment, **draft.environment}.items():
        hidden = shown.get(name) == MASK
        below = list(_below_variable(written, name, hidden))
        if name in draft.environment and (file := draft.file_environment.get(name)) is not None:
            below.append(Said(_origin(file), MASK if hidden else str(file.value)))
        yield Provenance(f"environment.{name}", shown.get(name, ""), _origin(var), tuple(below), hidden)


def _below_variable(written: Node | None, name: str, hidden: bool) -> Iterator[Said]:
    if isinstance(written, Mapping) and (entry := written.entries.get(name)) is not None:
        for said in _below(entry):
            yield Said(said.origin, MASK) if hidden else said


def _origin(var: EnvVar) -> str:
    if var.origin is None:
        return ""
    from pathlib import Path

    return f"{display_name(Path(var.origin.file))}:{var.origin.line}:{var.origin.column}"


def where(place: Place) -> str:
    """A place as messages write it."""
    return f"{place.source.name}:{place.line}:{place.column}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
