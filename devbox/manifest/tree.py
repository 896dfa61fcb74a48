"""What a manifest file holds, as a tree in which everything knows its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from devbox.domain.spec import Template
from devbox.manifest.source import Place

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = re.compile(r"[-+]?(0x[0-9a-fA-F]+|0o?[0-7]+|(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?)\Z")


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A single value. `plain`: written without quotes, so that it may mean a number, a boolean or nothing at all.

    After interpolation `template` holds the value with its references, and `secret` tells that part of it came
    from a file of secrets. What is wrong with a `faulty` one has been said already.
    """

    place: Place
    text: str
    plain: bool = True
    tag: str | None = None
    template: Template | None = None
    secret: bool = False
    faulty: bool = False

    @property
    def is_null(self) -> bool:
        return self.plain and self.template is None and self.text in _NULLS

    @property
    def boolean(self) -> bool | None:
        """The boolean this stands for, if it does."""
        return _BOOLEANS.get(self.text)

    @property
    def kind(self) -> str:
        """What a person would call it."""
        if self.is_null:
            return "nothing"
        if self.plain and self.text in _BOOLEANS:
            return "a boolean"
        return "a number" if self.plain and _NUMBER.match(self.text) else "a text"


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]
    tag: str | None = None
    kind = "a list"

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A key of a mapping with its value. `key` is where the key stands, `under` what was said there before."""

    key: Place
    value: Node
    under: Entry | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """A mapping; its keys are texts."""

    place: Place
    entries: dict[str, Entry] = field(default_factory=dict)
    tag: str | None = None
    kind = "a mapping"

    def get(self, key: str) -> Node | None:
        entry = self.entries.get(key)
        return entry.value if entry else None

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return iter(self.entries.items())

    def having(self, key: str, entry: Entry) -> Mapping:
        return replace(self, entries={**self.entries, key: entry})

    def without(self, *keys: str) -> Mapping:
        return replace(self, entries={k: e for k, e in self.entries.items() if k not in keys})


Node = Scalar | Sequence | Mapping
