"""Bytes to a tree of nodes, whatever the bytes are.

The tree is built from the parser's events with an explicit stack: nothing here recurses, so nesting cannot exhaust the
interpreter's stack, and an alias is followed only as far as the bounds allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from devbox.manifest.contents import content_of
from devbox.manifest.source import Place, Problems, Source, nearest_file
from devbox.manifest.tree import Entry, Mapping, Node, Scalar, Sequence

LARGEST_FILE = 4 * 1024 * 1024
MOST_NODES = 100_000
"""Nodes that the files of a project may come to once every alias stands for a copy of what it names."""
DEEPEST = 100

_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_LATIN = re.compile("[^\t\n\r\x20-\x7e\xa0-\xff]")
_TEXT_HINT = "A manifest is a text file in UTF-8."
_CONFLICT = re.compile(r"<{7} |={7}\Z|>{7} ")
"""The lines that git leaves where it could not put two sides together."""
_LINE_BREAK = re.compile("[\n\x85\u2028\u2029]")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(
    source: Source,
    problems: Problems,
    place: Place | None = None,
    largest: int = LARGEST_FILE,
    data: bytes | None = None,
) -> str | None:
    """The text of a file within the bounds; None when it cannot be had, with the reason in `problems`.

    `place` is where the file was asked for, if not on the command line, and `data` what it holds, if that is known.
    """
    where = place or Place(source)
    try:
        if data is None:
            data = content_of(source.path, largest + 1)
        if len(data) > largest:
            what = f"{source.name} is larger" if place else "larger"
            problems.add(where, f"{what} than the {largest // 1024**2} MB that are read at most")
            return None
        return _decode(data).replace("\r\n", "\n").replace("\r", "\n")
    except OSError as exc:
        hint = nearest_file(source.path) if isinstance(exc, FileNotFoundError) else ""
        problems.add(where, f"cannot read {source.name}: {exc.strerror or exc}", hint)
    except _NotText as exc:
        problems.add(place or exc.place(source), f"{source.name} is {exc}" if place else str(exc), _TEXT_HINT)
    except ValueError as exc:
        problems.add(where, f"{source.name} is {exc}" if place else str(exc), _TEXT_HINT)
    return None


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of a text as YAML counts them."""
    return tuple(_LINE_BREAK.split(text))


class _NotText(ValueError):
    """Bytes that are not UTF-8, from `start` on."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start
        self._line = data.count(b"\n", 0, start) + 1
        super().__init__(f"not a text file: byte {data[start]:#04x} in line {self._line}")

    def place(self, source: Source) -> Place:
        """Where that is. The line is shown as an older encoding has it, unless it is of no text at all."""
        text = self._data.decode("latin-1")
        if _NOT_LATIN.search(text):
            return Place(source)
        column = self._start - (self._data.rfind(b"\n", 0, self._start) + 1) + 1
        return Place(replace(source, lines=tuple(text.split("\n"))), self._line, column, self._line, column + 1)


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise _NotText(data, exc.start) from exc


@dataclass(slots=True)
class Room:
    """How many values may still be read."""

    values: int = MOST_NODES


def parse(source: Source, text: str, problems: Problems, room: Room | None = None) -> tuple[Mapping, ...] | None:
    """The mapping in each document of `text`, of which there may be none; None with the reason in `problems`.

    What is read takes from `room`.
    """
    if bad := _NOT_TEXT.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        message = f"not a text file: character {ord(bad.group()):#04x} in line {line}"
        problems.add(Place(source), message, _TEXT_HINT)
        return None
    try:
        roots = _Builder(source, problems, room or Room()).build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as exc:
        _add_syntax_error(source, exc, problems)
        return None
    except _TooMuch as exc:
        problems.add(exc.place, f"not readable as YAML: {exc}")
        return None
    except yaml.YAMLError as exc:
        problems.add(Place(source), f"not readable as YAML: {exc}")
        return None
    said = [root for root in roots if not (isinstance(root, Scalar) and root.is_null)]
    for root in said:
        if not isinstance(root, Mapping):
            problems.add(root.place, f"a manifest is a mapping, this is {root.kind}", "Start with `services:`.")
            return None
    return tuple(root for root in said if isinstance(root, Mapping))


_Known = tuple[Node, int, int]
"""What an anchor names, with its size and depth."""


class _TooMuch(Exception):
    """The file is within the bytes allowed, and yet stands for more than devbox is willing to hold, from `place` on."""

    def __init__(self, place: Place, words: str) -> None:
        super().__init__(words)
        self.place = place


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet. `size` and `depth` count its nodes with every alias expanded."""

    event: Any
    nodes: list[Node] = field(default_factory=list)
    size: int = 1
    depth: int = 1


class _Builder:
    """Builds the tree of each document out of parser events."""

    def __init__(self, source: Source, problems: Problems, room: Room) -> None:
        self._source, self._problems, self._room = source, problems, room
        self._anchors: dict[str, _Known | None] = {}
        self._stack: list[_Open] = []
        self._roots: list[Node] = []
        self._count = 0

    def build(self, events: Iterator[Any]) -> list[Node]:
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._add(event, self._scalar(event))
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._enter(event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._leave(event)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent():
                    self._anchors = {}
        return self._roots

    def _scalar(self, event: Any) -> Scalar:
        tag = None if event.tag in (None, "!") else str(event.tag)
        plain = not event.style and tag != "tag:yaml.org,2002:str"
        return Scalar(self._place(event), event.value, plain, tag)

    def _enter(self, event: Any) -> None:
        if len(self._stack) >= DEEPEST:
            raise _TooMuch(self._place(event), f"it is nested deeper than {DEEPEST} levels")
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(event))

    def _leave(self, end: Any) -> None:
        done = self._stack.pop()
        place = self._place(done.event, end)
        node: Node
        if isinstance(done.event, yaml.SequenceStartEvent):
            node = Sequence(place, tuple(done.nodes), done.event.tag)
        else:
            node = self._mapping(place, done)
        self._add(done.event, node, done.size, done.depth)

    def _alias(self, event: Any) -> None:
        place = self._place(event)
        if event.anchor not in self._anchors:
            self._problems.add(place, f"there is no anchor &{event.anchor} before this", _near(event, self._anchors))
            return self._add(event, Scalar(place, "", faulty=True))
        known = self._anchors[event.anchor]
        if known is None:
            self._problems.add(place, f"the alias *{event.anchor} stands inside of what it names")
            return self._add(event, Scalar(place, "", faulty=True))
        return self._add(None, *known)

    def _add(self, event: Any, node: Node, size: int = 1, depth: int = 1) -> None:
        if event is not None and not isinstance(event, yaml.AliasEvent) and event.anchor:
            self._anchors[event.anchor] = (node, size, depth)
        if not self._stack:
            self._roots.append(node)
            self._room.values -= size
            return
        parent = self._stack[-1]
        parent.nodes.append(node)
        parent.size += size
        parent.depth = max(parent.depth, depth + 1)
        if len(self._stack) + depth > DEEPEST:
            raise _TooMuch(node.place, f"it is nested deeper than {DEEPEST} levels")
        self._count += 1
        if max(self._count, parent.size) > self._room.values:
            more = "" if self._room.values == MOST_NODES else " with what was read before"
            words = f"it comes to more than {MOST_NODES:,} values{more}, each alias counted as a copy"
            raise _TooMuch(node.place, words)

    def _mapping(self, place: Place, done: _Open) -> Mapping:
        entries: dict[str, Entry] = {}
        merged: list[Mapping] = []
        for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._problems.add(
                    key.place, f"a key is a text, this is {key.kind}", "Quote values that contain { or [."
                )
            elif key.text == "<<" and key.plain:
                merged += self._merged(value)
            elif key.text in entries:
                first = entries[key.text].key
                self._problems.add(key.place, f"{key.text} is given twice", f"The first one is in line {first.line}.")
            else:
                entries[key.text] = Entry(key.place, value)
        for mapping in merged:
            for name, entry in mapping:
                entries.setdefault(name, entry)
        return Mapping(place, entries, done.event.tag)

    def _merged(self, value: Node) -> list[Mapping]:
        """What a merge key `<<` brings in: a mapping, or a list of them of which the first one wins."""
        candidates = value.items if isinstance(value, Sequence) else (value,)
        found = [node for node in candidates if isinstance(node, Mapping)]
        told = [node for node in candidates if isinstance(node, Scalar) and node.faulty]
        if len(found) + len(told) < len(candidates):
            self._problems.add(value.place, f"<< merges mappings, this is {value.kind}")
        return found

    def _place(self, event: Any, end: Any = None) -> Place:
        start, stop = event.start_mark, (end or event).end_mark
        return Place(self._source, start.line + 1, start.column + 1, stop.line + 1, stop.column + 1)


def _near(event: Any, anchors: dict[str, _Known | None]) -> str:
    return f"Known here: {', '.join(f'&{name}' for name in list(anchors)[:8])}." if anchors else ""


def _add_syntax_error(source: Source, exc: yaml.MarkedYAMLError, problems: Problems) -> None:
    if conflict := next((n for n, line in enumerate(source.lines, 1) if _CONFLICT.match(line)), 0):
        hint = "Keep one side, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>."
        width = len(source.line(conflict)) + 1
        problems.add(Place(source, conflict, 1, conflict, width), "a merge conflict is not resolved", hint)
        return
    mark: Any = exc.problem_mark or exc.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 1)
    text, context = str(exc.problem or exc), exc.context_mark
    if text == "found unexpected end of stream" and context:
        line, column, text, context = context.line + 1, context.column + 1, "a quote is opened and not closed", None
    hint = _SYNTAX_HINTS.get(text, "")
    if text in _UNCLOSED and context:
        text, hint = _UNCLOSED[text], f"It is opened in line {context.line + 1}."
    elif context and exc.context and context.line + 1 != line:
        hint = hint or f"It was {exc.context}, which starts in line {context.line + 1}."
    if text == _NO_BEGINNING and (character := source.line(line)[column - 1 : column]):
        text = f"a value cannot begin with {character}"
    if "\t" in source.line(line)[:column]:
        text, hint = "a tab is used for indentation", "YAML is indented with spaces."
    problems.add(Place(source, line, column, line, column + 1), text, hint)


_NO_BEGINNING = "found character that cannot start any token"
_SYNTAX_HINTS = {
    "mapping values are not allowed in this context": "Quote a value that contains `: `, or mend the indentation.",
    "did not find expected key": "Mend the indentation: keys of one mapping start in one column.",
    _NO_BEGINNING: "Put it in quotes.",
}
_UNCLOSED = {
    "did not find expected ',' or ']'": "a [ is not closed before this, or a comma is missing",
    "did not find expected ',' or '}'": "a { is not closed before this, or a comma is missing",
}
