"""Entries from their files: those that ship with devbox, a project's own in `devbox.d`, or one named by path."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

_EACH_OF = re.compile(r"metrics|own|balance|use [a-z0-9-]+")
_ENDPOINT = re.compile(r":\d+/.*")
_LARGEST = 256 * 1024
_DEEPEST = 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class EntryError(DevboxError):
    """The file of an entry is wrong; the message begins with file, line and column."""


class NoEntry(EntryError):
    """There is no entry of that name."""


@dataclass(frozen=True)
class _Source:
    """The file of an entry: `shown` is what messages call it, `root` what stands in it."""

    shown: str
    root: yaml.Node

    def wrong(self, message: str, *keys: str, text: str | None = None) -> EntryError:
        """An error at the value below `keys` that is `text`, or else at the last of the keys that is there."""
        at = _find(self.root, keys)
        at = next((each for each in _scalars(at) if text is not None and text in each.value), at)
        return EntryError(f"{self.shown}:{at.start_mark.line + 1}:{at.start_mark.column + 1}: {message}")


def _find(node: yaml.Node, keys: Sequence[str]) -> yaml.Node:
    """What stands below keys, as far as they are there."""
    for key in keys:
        below = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for name, value in below if name.value == key), node)
    return node


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    for each in node.value if isinstance(node, yaml.CollectionNode) else ():
        for below in each if isinstance(each, tuple) else (each,):
            yield from _scalars(below)


def names(folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Every entry there is by name: built in, and in the `devbox.d` of the given directories."""
    places = (BUILT_IN, *(folder / OWN_FOLDER for folder in folders))
    return tuple(sorted({path.stem for place in places for path in place.glob("*.yaml")}))


def load_entry(name: str, folders: Sequence[Path] = ()) -> Entry:
    """The entry called `name`, or at the path `name` (it ends in .yaml). Raises EntryError."""
    for folder, shown in _candidates(name, folders):
        if (folder / shown).is_file():
            return _read(folder / shown, os.path.normpath(shown))
    raise NoEntry(f"there is no catalogue entry {name}")


def _candidates(name: str, folders: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Where the file of an entry may be: a directory, and the way from there."""
    if name.endswith((".yaml", ".yml")):
        yield from ((folder, name) for folder in folders)
    elif re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        yield from ((folder, f"{OWN_FOLDER}/{name}.yaml") for folder in folders)
        yield BUILT_IN, f"{name}.yaml"


def _read(path: Path, shown: str) -> Entry:
    """The entry in a file. Raises EntryError with the line where it is wrong."""
    try:
        root = _root(path.read_text("utf-8"))
        entry: Entry = decode(Entry, root)
    except SchemaError as exc:
        raise EntryError(f"{shown}:{exc.line}:{exc.column}: {exc}") from exc
    except yaml.MarkedYAMLError as exc:
        mark: Any = exc.problem_mark or exc.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise EntryError(f"{shown}:{place}: {exc.problem}") from exc
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise EntryError(f"{shown}:1:1: {exc}") from exc
    entry = dataclasses.replace(entry, name=path.stem)
    source = _Source(shown, root)
    _check(source, entry)
    return _with_files(path, source, entry)


def _with_files(path: Path, source: _Source, entry: Entry) -> Entry:
    """The entry with what stands in files beside it. Raises EntryError where one cannot be read."""

    def text(file: File) -> str:
        if not file.source:
            return file.text
        try:
            return (path.parent / file.source).read_text("utf-8")
        except (OSError, ValueError) as exc:
            why = getattr(exc, "strerror", None) or str(exc)
            raise source.wrong(f"{file.source} cannot be read: {why}", "container", "files", text=file.source) from exc

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


def _check(source: _Source, entry: Entry) -> None:
    """What types cannot say. Raises EntryError."""
    if not entry.ports:
        raise source.wrong("an entry has at least one port", "ports")
    _check_placeholders(source, entry)
    for name, form in _forms(entry).items():
        probe = form.probe
        if sum([bool(probe.exec), probe.http is not None, probe.log is not None, probe.tcp is not None]) != 1:
            raise source.wrong("a probe is one of exec, http, log and tcp", name, "probe")
        if probe.http is not None and not _ENDPOINT.fullmatch(probe.http):
            raise source.wrong(f"{probe.http!r} is not of the form :PORT/PATH", name, "probe", "http")
    for file in entry.container.files:
        for of, _ in EACH.findall(file.text):
            if not _EACH_OF.fullmatch(of):
                words = f"{{{{each {of}}}}} is none of metrics, own, balance and use NAME"
                raise source.wrong(words, "container", "files", text=f"{{{{each {of}}}}}")
    pages: dict[tuple[str, ...], str] = {("open",): entry.open, ("metrics",): entry.metrics}
    if entry.embedded:
        pages["embedded", "open"] = entry.embedded.open
    for keys, text in pages.items():
        if text and not _ENDPOINT.fullmatch(text):
            raise source.wrong(f"{text!r} is not of the form :PORT/PATH", *keys)


def _check_placeholders(source: _Source, entry: Entry) -> None:
    """They name something that is there, and passwords stay out of argument lists."""
    known = ALWAYS_KNOWN | entry.settings.keys()
    seeds = [text for form in _forms(entry).values() for command in form.seed.values() for text in command.run]
    for text, allowed in [*((text, known) for text in _texts(entry)), *((text, known | {"file"}) for text in seeds)]:
        if unknown := {match[1] for match in PLACEHOLDER.finditer(text)} - allowed:
            raise source.wrong(f"{{{min(unknown)}}} stands for nothing in {text!r}", text=f"{{{min(unknown)}")
    secret = {name for name, setting in entry.settings.items() if setting.generated}
    for text in _arguments(entry):
        if {match[1] for match in PLACEHOLDER.finditer(text)} & secret:
            raise source.wrong(f"a password in an argument list is seen by everybody: {text!r}", text=text)


def _forms(entry: Entry) -> dict[str, Container | Embedded]:
    return {"container": entry.container, **({"embedded": entry.embedded} if entry.embedded else {})}


def _arguments(entry: Entry) -> Iterator[str]:
    yield from entry.container.entrypoint
    for form in _forms(entry).values():
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
    for form in _forms(entry).values():
        yield from form.environment.values()
    yield from (EACH.sub("", file.text) for file in entry.container.files if not file.source)
