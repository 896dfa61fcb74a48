"""Entries from their files: those that ship with devbox, a project's own in `devbox.d`, or one named by path."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from devbox.catalogue.entry import Container, Embedded, Entry, File
from devbox.catalogue.schema import SchemaError, decode
from devbox.domain.errors import DevboxError

BUILT_IN = Path(__file__).parent
OWN_FOLDER = "devbox.d"
"""The directory beside a manifest that holds the project's own entries."""

ALWAYS_KNOWN = frozenset({"service", "version", "data", "bin"})
"""What a placeholder may name in every entry."""

PLACEHOLDER = re.compile(r"(?<!\$)\{(\w+)(:url)?\}")

EACH = re.compile(r"^[ \t]*\{\{each ([\w -]+)\}\}\n(.*?)^[ \t]*\{\{end\}\}\n?", re.MULTILINE | re.DOTALL)
"""What stands in a file once for each of those it names: group 1 says of what, group 2 what."""

_EACH_OF = re.compile(r"metrics|balance|use [a-z0-9-]+")
_ENDPOINT = re.compile(r":\d+/.*")
_LARGEST = 256 * 1024
_DEEPEST = 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class EntryError(DevboxError):
    """An entry does not exist, or its file is wrong."""


def names(folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Every entry there is by name: built in, and in the `devbox.d` of the given directories."""
    places = (BUILT_IN, *(folder / OWN_FOLDER for folder in folders))
    return tuple(sorted({path.stem for place in places for path in place.glob("*.yaml")}))


def load_entry(name: str, folders: Sequence[Path] = ()) -> Entry:
    """The entry called `name`, or at the path `name` (it ends in .yaml). Raises EntryError."""
    for path in _candidates(name, folders):
        if path.is_file():
            return read_entry(path)
    raise EntryError(f"there is no catalogue entry {name}")


def _candidates(name: str, folders: Sequence[Path]) -> Iterator[Path]:
    if name.endswith((".yaml", ".yml")):
        yield from (folder / name for folder in folders)
    elif re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        yield from (folder / OWN_FOLDER / f"{name}.yaml" for folder in folders)
        yield BUILT_IN / f"{name}.yaml"


def read_entry(path: Path) -> Entry:
    """The entry in a file. Raises EntryError with the line where it is wrong."""
    try:
        entry: Entry = decode(Entry, _root(path.read_text("utf-8")))
    except SchemaError as exc:
        raise EntryError(f"{path.name}:{exc.line}:{exc.column}: {exc}") from exc
    except yaml.MarkedYAMLError as exc:
        mark: Any = exc.problem_mark
        raise EntryError(f"{path.name}:{mark.line + 1 if mark else 0}: {exc.problem}") from exc
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise EntryError(f"{path.name}: {exc}") from exc
    entry = dataclasses.replace(entry, name=path.stem)
    _check(path, entry)
    return _with_files(path, entry)


def _with_files(path: Path, entry: Entry) -> Entry:
    """The entry with what stands in files beside it. Raises EntryError where one cannot be read."""

    def text(file: File) -> str:
        if not file.source:
            return file.text
        try:
            return (path.parent / file.source).read_text("utf-8")
        except (OSError, ValueError) as exc:
            raise EntryError(f"{path.name}: {file.source} cannot be read: {exc}") from exc

    files = tuple(dataclasses.replace(file, text=text(file)) for file in entry.container.files)
    return dataclasses.replace(entry, container=dataclasses.replace(entry.container, files=files))


def _root(text: str) -> yaml.Node:
    if len(text) > _LARGEST:
        raise ValueError("the file is too large for an entry")
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent))
        depth -= isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent))
        if depth > _DEEPEST or isinstance(event, yaml.AliasEvent):
            raise ValueError("an entry is nested too deeply, or uses aliases")
    root: Any = yaml.compose(text, Loader=_LOADER)
    if not isinstance(root, yaml.Node):
        raise ValueError("the file is empty")
    return root


def _check(path: Path, entry: Entry) -> None:
    """What types cannot say: placeholders name something, passwords stay out of argument lists, probes are one kind."""
    known = ALWAYS_KNOWN | entry.settings.keys()
    seeding = known | {"file"}
    for command in (each for form in _forms(entry) for each in form.seed.values()):
        for text in command.run:
            if unknown := {match[1] for match in PLACEHOLDER.finditer(text)} - seeding:
                raise EntryError(f"{path.name}: {{{min(unknown)}}} stands for nothing in {text!r}")
    for text in _texts(entry):
        if unknown := {match[1] for match in PLACEHOLDER.finditer(text)} - known:
            raise EntryError(f"{path.name}: {{{min(unknown)}}} stands for nothing in {text!r}")
    secret = {name for name, setting in entry.settings.items() if setting.generated}
    for text in _arguments(entry):
        if {match[1] for match in PLACEHOLDER.finditer(text)} & secret:
            raise EntryError(f"{path.name}: a password in an argument list is seen by everybody: {text!r}")
    for form in _forms(entry):
        probe = form.probe
        if sum([bool(probe.exec), probe.http is not None, probe.log is not None, probe.tcp is not None]) != 1:
            raise EntryError(f"{path.name}: a probe is one of exec, http, log and tcp")
    for file in entry.container.files:
        if unknown := {of for of in EACH.findall(file.text) for of in of[:1]} - {
            of for of, _ in EACH.findall(file.text) if _EACH_OF.fullmatch(of)
        }:
            raise EntryError(f"{path.name}: {{{{each {min(unknown)}}}}} is none of metrics, balance and use NAME")
    for text in filter(None, (entry.open, entry.metrics)):
        if not _ENDPOINT.fullmatch(text):
            raise EntryError(f"{path.name}: {text!r} is not of the form :PORT/PATH")
    if not entry.ports:
        raise EntryError(f"{path.name}: an entry has at least one port")


def _forms(entry: Entry) -> list[Container | Embedded]:
    return [entry.container, *([entry.embedded] if entry.embedded else [])]


def _arguments(entry: Entry) -> Iterator[str]:
    yield from entry.container.entrypoint
    for form in _forms(entry):
        yield from (*form.command, *form.probe.exec, *form.console)
        yield from (text for command in form.seed.values() for text in command.run if "{file}" not in text)
    for init in entry.embedded.init if entry.embedded else ():
        yield from (*init.run, init.creates)


def _texts(entry: Entry) -> Iterator[str]:
    yield entry.container.image
    yield from _arguments(entry)
    yield from entry.exports.values()
    yield from (entry.embedded.exports.values() if entry.embedded else ())
    yield from (setting.default for setting in entry.settings.values())
    for form in _forms(entry):
        yield from form.environment.values()
    yield from (EACH.sub("", file.text) for file in entry.container.files if not file.source)
