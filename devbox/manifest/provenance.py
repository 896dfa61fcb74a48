"""Where each value of a service comes from, and what it overrode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devbox.domain.spec import EnvVar
from devbox.manifest import dotenv
from devbox.manifest.canonical import canonical
from devbox.manifest.reading import Reading
from devbox.manifest.showing import MASK, masked, plain
from devbox.manifest.source import Place, display_name
from devbox.manifest.tree import Entry, Mapping, Node, Scalar
from devbox.manifest.variables import names_in


@dataclass(frozen=True, slots=True)
class Said:
    """A value at one place of the manifest: `file:line:column`, and the value as it is shown."""

    origin: str
    value: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """One value of a service. `key` is its path below the service; `overrode` is what it stands on, nearest first.

    `through` are the variables that it was written with, each with where that has its value from.
    """

    key: str
    value: str
    origin: str
    overrode: tuple[Said, ...] = ()
    secret: bool = False
    through: tuple[str, ...] = ()


def provenance(reading: Reading, service: str, *, show_secrets: bool = False) -> tuple[Provenance, ...]:
    """Every value that the manifest gives a service, in canonical form. Raises KeyError where there is none."""
    data = canonical(reading, show_secrets=show_secrets)["services"][service]
    services = reading.tree.get("services")
    node = services.get(service) if isinstance(services, Mapping) else None
    if not isinstance(node, Mapping):
        return ()
    sources = Sources(reading, show_secrets)
    found: list[Provenance] = []
    for key, entry in node:
        if key in ("environment", "env_file"):
            continue
        if key in data:
            found += _values(key, entry, data[key], sources)
    found += _environment(reading, service, node, data.get("environment", {}), sources)
    return tuple(sorted(found, key=lambda each: each.key))


def _values(key: str, entry: Entry, data: Any, sources: Sources) -> Iterator[Provenance]:
    """The values below a key: one for each where it holds a mapping, else one for all."""
    if isinstance(data, dict) and data and isinstance(entry.value, Mapping):
        known = {name: each for name, each in entry.value if name in data}
        for name, value in data.items():
            if name in known:
                yield from _values(f"{key}.{name}", known[name], value, sources)
            else:
                yield Provenance(f"{key}.{name}", _shown(value), where(entry.key))
        return
    through = tuple(sources.through(entry.value))
    value, below = _shown(data), tuple(_below(entry, sources))
    yield Provenance(key, value, where(entry.key), below, MASK in value, through)


def _below(entry: Entry, sources: Sources) -> Iterator[Said]:
    """What was said before, for as long as that was something else at another place."""
    under = entry.under
    while under is not None:
        yield Said(where(under.key), _shown(sources.masked(under.value)))
        under = under.under


def _environment(
    reading: Reading, service: str, node: Mapping, shown: dict[str, str | None], sources: Sources
) -> Iterator[Provenance]:
    draft = reading.drafts[service]
    written = node.get("environment")
    names = reading.scope.by_name(written, "environment") if written is not None else {}
    for name, value in shown.items():
        hidden = value == MASK
        own, file = draft.environment.get(name), draft.file_environment.get(name)
        entry = names.get(name)
        below = [Said(said.origin, MASK) if hidden else said for said in (_below(entry, sources) if entry else ())]
        origin = sources.of_file(file) if file is not None else ""
        through: tuple[str, ...] = ()
        if entry is not None and (own is not None or file is None):
            if file is not None:
                below.append(Said(origin, MASK if hidden else str(file.value)))
            passed = isinstance(entry.value, Scalar) and entry.value.is_null
            through = (sources.of_variable(name),) if passed else tuple(sources.through(entry.value))
            origin = where(entry.key)
        yield Provenance(f"environment.{name}", _shown(value), origin, tuple(below), hidden, through)


class Sources:
    """Where variables have their values from."""

    def __init__(self, reading: Reading, show_secrets: bool) -> None:
        self._variables, self._show = reading.scope.variables, show_secrets
        self._lines: dict[Path, dict[str, int]] = {}

    def masked(self, node: Node) -> Any:
        """A node as data, without the secrets that it was written with."""
        return plain(node) if self._show else masked(plain(node), node, self._variables)

    def of_file(self, var: EnvVar) -> str:
        """The line of the file of variables that a variable of a service is in."""
        if var.origin is None:
            return ""
        path = Path(var.origin.file)
        return f"{display_name(path)}:{self._lines_of(path).get(var.name, 1)}"

    def through(self, node: Node) -> Iterator[str]:
        """The variables that stand in a value as it is written, each with where it has its value from."""
        for name in dict.fromkeys(names_in(node)):
            yield self.of_variable(name)

    def of_variable(self, name: str) -> str:
        """A variable, with where it has its value from."""
        if self._variables.environment.get(name) is not None:
            return f"{name} from the environment"
        for path, text in reversed(self._variables.memo.texts.items()):
            if text and (line := self._lines_of(path).get(name)):
                return f"{name} from {display_name(path)}:{line}"
        return f"{name}, which is not set"

    def _lines_of(self, path: Path) -> dict[str, int]:
        if path not in self._lines:
            self._lines[path] = dotenv.lines(self._variables.memo.texts.get(path) or "")
        return self._lines[path]


def where(place: Place) -> str:
    """A place as messages write it."""
    return f"{place.source.name}:{place.line}:{place.column}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
