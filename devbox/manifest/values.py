"""Nodes as the types that keys ask for. A node that does not fit is a problem, and its value None."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from devbox.domain.spec import Template
from devbox.manifest.interpolate import Variables
from devbox.manifest.merge import named
from devbox.manifest.source import Place, Problems, nearest
from devbox.manifest.tree import Entry, Mapping, Node, Scalar, Sequence
from devbox.manifest.units import duration, size

_COLON = re.compile(r"([\w-]{1,30}):([^\s:/]\S{0,40})\Z")
_LONGEST_HINT = 40
_LONGEST_PATTERN = 2000
_LONGEST_WAIT = 366 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Scope:
    """What the reading of a value may need besides the node. `relative` leaves paths of the host relative."""

    problems: Problems
    variables: Variables
    directory: Path
    relative: bool = False

    def base(self, place: Place) -> Path:
        """What a relative path at `place` starts from."""
        return place.source.directory

    def path(self, place: Place, text: str) -> str:
        """A path of the host that stands at `place`: absolute, or as seen from the project's directory."""
        expanded = os.path.expanduser(text)
        whole = os.path.normpath(self.base(place) / expanded)
        if not self.relative or os.path.isabs(expanded):
            return whole
        seen = os.path.relpath(whole, self.directory)
        return seen if seen.startswith(".") else f"./{seen}"

    def texts_of_variable(self, name: str) -> tuple[str, ...]:
        """The items of a variable that holds a list with commas."""
        return tuple(item.strip() for item in (self.variables.get(name) or "").split(",") if item.strip())

    # --- single values

    def scalar(self, node: Node, what: str, wanted: str = "a text") -> Scalar | None:
        if isinstance(node, Scalar) and node.faulty:
            self.problems.skipped += 1
            return None
        if isinstance(node, Scalar) and not node.is_null:
            return node
        self.wrong(node, what, wanted)
        return None

    def template(self, node: Node, what: str) -> Template | None:
        """A text in which references may stand."""
        scalar = self.scalar(node, what)
        if scalar is None:
            return None
        return scalar.template or Template.of(scalar.text)

    def text(self, node: Node, what: str, wanted: str = "a text") -> str | None:
        """A text that must be known before anything runs."""
        scalar = self.scalar(node, what, wanted)
        if scalar is None:
            return None
        if scalar.template and scalar.template.references:
            reference = scalar.template.references[0]
            hint = "References can stand in environment, command, entrypoint and exec checks."
            self.problems.add(scalar.place.find(str(reference)), f"{what} cannot hold a reference", hint)
            return None
        return scalar.text

    def integer(self, node: Node, what: str, low: int = 0, high: int = 2**31) -> int | None:
        text = self.text(node, what, "a number")
        if text is None:
            return None
        if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) and low <= int(text) <= high:
            return int(text)
        self.problems.add(node.place, f"{what} is a whole number from {low} to {high}, not {shown(text)}")
        return None

    def number(self, node: Node, what: str) -> float | None:
        """A number that need not be whole, and is not negative."""
        text = self.text(node, what, "a number")
        if text is None:
            return None
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?|\.\d{1,9}", text, re.ASCII):
            return float(text)
        self.problems.add(node.place, f"{what} is a number, not {shown(text)}", "For example 0.5 or 2.")
        return None

    def bytes(self, node: Node, what: str) -> int | None:
        text = self.text(node, what, "a size")
        value = None if text is None else size(text)
        if text is not None and value is None:
            self.problems.add(node.place, f"{what} is a size, not {shown(text)}", "For example 64m, 512M or 2gb.")
        return value

    def port(self, node: Node, what: str) -> int | None:
        return self.integer(node, what, 1, 65535)

    def boolean(self, node: Node, what: str) -> bool | None:
        text = self.text(node, what, "true or false")
        if text is None:
            return None
        value = {"true": True, "false": False}.get(text.lower())
        if value is None:
            self.problems.add(node.place, f"{what} is true or false, not {shown(text)}")
        return value

    def seconds(self, node: Node, what: str) -> float | None:
        text = self.text(node, what, "a duration")
        value = None if text is None else duration(text)
        if text is not None and value is None:
            hint = "Write a number with its unit: 500ms, 10s, 1m30s, 2h."
            self.problems.add(node.place, f"{what} is a duration, not {shown(text)}", hint)
        if value is not None and value > _LONGEST_WAIT:
            self.problems.add(node.place, f"{what} is longer than a year")
            return None
        return value

    def choice(self, node: Node, what: str, choices: Collection[str]) -> str | None:
        text = self.text(node, what)
        if text is None or text in choices:
            return text
        self.problems.add(node.place, f"{what} cannot be {shown(text)}", nearest(text, choices))
        return None

    def pattern(self, node: Node, what: str) -> str | None:
        """A regular expression."""
        text = self.text(node, what)
        if text is not None and len(text) > _LONGEST_PATTERN:
            self.problems.add(node.place, f"{what} is longer than {_LONGEST_PATTERN} characters")
            return None
        try:
            re.compile(text or "")
        except (re.error, RecursionError, OverflowError) as exc:
            self.problems.add(node.place, f"{what} is not a regular expression: {exc}")
            return None
        return text

    # --- collections

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        """The items of a list; a single value stands for a list of one."""
        if isinstance(node, Sequence):
            return node.items
        if isinstance(node, Scalar):
            return () if node.is_null else (node,)
        self.wrong(node, what, "a list")
        return ()

    def texts(self, node: Node, what: str) -> tuple[str, ...]:
        found = [self.text(item, f"an item of {what}") for item in self.items(node, what)]
        return tuple(text for text in found if text is not None)

    def pairs(self, node: Node, what: str) -> tuple[tuple[str, str], ...]:
        """The names and texts of a mapping, or of the list of `NAME=value` that can be written in its place."""
        found = []
        for name, entry in self.by_name(node, what).items():
            null = isinstance(entry.value, Scalar) and entry.value.is_null
            text = "" if null else self.text(entry.value, f"{name} in {what}")
            if text is not None:
                found.append((name, text))
        return tuple(found)

    def mapping(
        self, node: Node, what: str, keys: Collection[str] | None = None, wanted: str = "a mapping"
    ) -> dict[str, Entry]:
        """The entries of a mapping; `keys` are those it may have, and only they are returned. `x-` keys pass."""
        if isinstance(node, Scalar) and node.is_null:
            return {}
        if not isinstance(node, Mapping):
            self.wrong(node, what, wanted)
            return {}
        if keys is None:
            return node.entries
        for key, entry in node:
            if key not in keys and not key.startswith("x-"):
                self.problems.add(entry.key, f"{what} has no key {shown(key)}", nearest(key, keys))
        return {key: entry for key, entry in node if key in keys}

    def by_name(self, node: Node, what: str) -> dict[str, Entry]:
        """The entries of a mapping, or of the list that can be written in its place."""
        if isinstance(node, Sequence):
            for item in node.items:
                if not isinstance(item, Scalar):
                    self.wrong(item, f"an item of {what}", "a text", _as_pair(item))
            node = replace(node, items=tuple(item for item in node.items if isinstance(item, Scalar)))
        return self.mapping(named(node, what), what, wanted="a mapping or a list")

    def wrong(self, node: Node, what: str, wanted: str, hint: str = "") -> None:
        message = f"{what} must be {wanted}, this is {node.kind}"
        self.problems.add(node.place, message, hint or _meant(node, wanted))


def _meant(node: Node, wanted: str) -> str:
    """How to write what was probably meant by a node of another kind; empty where that is not clear."""
    if wanted.startswith("a mapping"):
        if isinstance(node, Sequence) and all(isinstance(item, Mapping) for item in node.items) and node.items:
            return "Leave the dashes out."
        if isinstance(node, Scalar) and node.plain and (match := _COLON.match(node.text)):
            return f"A colon needs a space behind it: `{match[1]}: {match[2]}`."
    if wanted == "a text" and (pair := _pair(node)):
        return f'Put it in quotes: "{pair[0]}: {pair[1]}".'
    return ""


def _as_pair(node: Node) -> str:
    """How a name and its value are written in a list of such."""
    pair = _pair(node)
    return f"Write {pair[0]}={pair[1]}." if pair else ""


def _pair(node: Node) -> tuple[str, str] | None:
    """The one name and value of a mapping that was probably meant as a text."""
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        return None
    ((key, entry),) = node.entries.items()
    value = entry.value
    fits = isinstance(value, Scalar) and len(key) + len(value.text) < _LONGEST_HINT and value.text.isprintable()
    return (key, value.text) if isinstance(value, Scalar) and fits and key.isprintable() else None


def shown(text: str) -> str:
    """A text as a message quotes it: on one line, and not too long."""
    line = text.replace("\n", "⏎")
    return f'"{line[:57]}…"' if len(line) > 58 else f'"{line}"'
