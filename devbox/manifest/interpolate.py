"""`${NAME}` and its relatives, as Compose has them, and `${service.export}`, which is devbox's own.

A form in braces that names a service and something after a dot is a reference and stays one; everything else becomes
text at once.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devbox.domain.spec import Reference, Template

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTTED = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*\.[A-Za-z0-9_-]+)\}")
_PLAIN_DOTTED = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_-]+)+\Z")
_OPERATOR = re.compile(r":?[-?+]")
_BRACE = re.compile(r"[{}]")
_DEEPEST = 20
LONGEST = 1024 * 1024
"""Characters that a text may come to."""

ESCAPE_HINT = "Write $$ for a $ that is meant as such."


class BadForm(ValueError):
    """A `$` that begins nothing valid. `fragment` is the text it stands at the beginning of."""

    def __init__(self, message: str, fragment: str, hint: str = ESCAPE_HINT) -> None:
        super().__init__(message)
        self.message, self.fragment, self.hint = message, fragment, hint


@dataclass(slots=True)
class Memo:
    """What files of variables held that were read already, and how many characters of such may still be read."""

    room: int = 2 * 1024 * 1024
    texts: dict[Path, str | None] = field(default_factory=dict)
    values: dict[object, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """Where `$NAME` is looked up: the environment first, then what files of variables say. The latter are secret."""

    environment: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    memo: Memo = field(default_factory=Memo)

    def get(self, name: str) -> str | None:
        value = self.environment.get(name)
        return self.files.get(name) if value is None else value

    @property
    def known(self) -> Mapping[str, str]:
        """All of them, each with the value it stands for."""
        return ChainMap(dict(self.environment), dict(self.files)) if self.files else self.environment

    @property
    def none(self) -> Variables:
        """None of them, for a file that may refer to nothing but itself."""
        return Variables({}, {}, self.memo)

    def is_secret(self, name: str) -> bool:
        return name in self.files and name not in self.environment


@dataclass(slots=True)
class Found:
    """What became of one text. `unset` are names that had no value, `secret` tells that one came from a file."""

    parts: list[str | Reference] = field(default_factory=list)
    unset: list[str] = field(default_factory=list)
    secret: bool = False
    room: int = LONGEST
    """Characters that variables may still bring."""

    @property
    def template(self) -> Template:
        return Template(joined(self.parts))


def joined(parts: Collection[str | Reference]) -> tuple[str | Reference, ...]:
    """The parts with neighbouring texts made one, and no empty text unless it is all there is."""
    result: list[str | Reference] = []
    texts: list[str] = []
    for part in (*parts, None):
        if isinstance(part, str):
            texts.append(part)
            continue
        if text := "".join(texts):
            result.append(text)
        if part is not None:
            result.append(part)
        texts = []
    return tuple(result) or ("",)


def interpolate(text: str, variables: Variables, services: Collection[str] = (), longest: int = LONGEST) -> Found:
    """Replaces the variables in `text`. Raises BadForm for a form that is not valid or a value that must be there."""
    found = Found(room=longest)
    _Reader(text, variables, services, found).read(0, len(text), 0)
    return found


class _Reader:
    """Reads one text from left to right. What an operator does not choose is not looked at."""

    def __init__(self, text: str, variables: Variables, services: Collection[str], found: Found) -> None:
        self._text, self._variables, self._services, self._found = text, variables, services, found
        self._pairs: dict[int, int] | None = None

    def read(self, at: int, end: int, depth: int) -> None:
        """Adds what stands between two positions to what was found."""
        text, parts = self._text, self._found.parts
        while at < end:
            sign = text.find("$", at, end)
            if sign < 0:
                parts.append(text[at:end])
                return
            if sign > at:
                parts.append(text[at:sign])
            at = self._dollar(sign, end, depth)

    def _dollar(self, start: int, end: int, depth: int) -> int:
        """Reads the form that begins with the sign at `start`; where it ends. A sign that begins nothing is itself."""
        following = self._text[start + 1 : min(start + 2, end)]
        if following == "{":
            return self._braced(start, end, depth)
        if name := _NAME.match(self._text, start + 1, end):
            self._found.parts.append(self._value(name.group()))
            return name.end()
        self._found.parts.append("$")
        return start + (2 if following == "$" else 1)

    def _braced(self, start: int, end: int, depth: int) -> int:
        if reference := self._reference(start + 2, end):
            self._found.parts.append(reference[0])
            return reference[1]
        name = _NAME.match(self._text, start + 2, end)
        if name is None or depth > _DEEPEST:
            why = "is nested too deeply" if name else "begins no variable"
            raise BadForm(f"a ${{ that {why}", self._text[start : min(start + 12, end)])
        operator = _OPERATOR.match(self._text, name.end(), end)
        if operator is not None:
            close = self._closing(operator.end(), end)
            if close >= 0:
                self._choose(start, name.group(), operator, close, depth)
                return close + 1
        elif self._text[name.end() : name.end() + 1] == "}" and name.end() < end:
            self._found.parts.append(self._value(name.group()))
            return name.end() + 1
        close = self._text.find("}", start, end)
        fragment = self._text[start : close + 1 if close >= 0 else min(start + 40, end)].split("\n")[0]
        if close < 0:
            raise BadForm(f"{fragment} is not closed", fragment, "Close it with }, or write $$ for a $ as such.")
        raise BadForm(f"{fragment} is not a valid variable", fragment)

    def _closing(self, at: int, end: int) -> int:
        """Where the form whose inside begins at `at` is closed; braces inside come in pairs, if they can."""
        if self._pairs is None:
            self._pairs = _pairs(self._text)
        close = self._pairs.get(self._text.rfind("{", 0, at), -1)
        return close if 0 <= close < end else self._text.rfind("}", at, end)

    def _choose(self, start: int, name: str, operator: re.Match[str], close: int, depth: int) -> None:
        """Which of the two an operator takes: the variable, or what stands after the operator."""
        sign, value = operator.group(), self._variables.get(name)
        given = value is not None and (value != "" or not sign.startswith(":"))
        if sign.endswith("+"):
            if given:
                self.read(operator.end(), close, depth + 1)
        elif given:
            self._found.parts.append(self._value(name))
        elif sign.endswith("-"):
            self.read(operator.end(), close, depth + 1)
        else:
            said = Found()
            reader = _Reader(self._text, self._variables, self._services, said)
            reader._pairs = self._pairs
            reader.read(operator.end(), close, depth + 1)
            words = str(said.template)
            message = f"the variable {name} is required and has no value" + (f": {words}" if words else "")
            raise BadForm(message, self._text[start : close + 1], f"Set {name} in the environment or in .env.")

    def _reference(self, at: int, end: int) -> tuple[Reference, int] | None:
        """The reference that begins here, if it is one: the longest service name before a dot decides."""
        match = _DOTTED.match(self._text, at, end)
        if match is None:
            return None
        words, dot = match[1], len(match[1])
        while (dot := words.rfind(".", 0, dot)) > 0:
            if words[:dot] in self._services:
                return Reference(words[:dot], words[dot + 1 :]), match.end()
        if not _PLAIN_DOTTED.match(words):
            return None
        service, _, export = words.partition(".")
        return Reference(service, export), match.end()

    def _value(self, name: str) -> str:
        value = self._variables.get(name)
        if value is None:
            self._found.unset.append(name)
            return ""
        self._found.secret |= self._variables.is_secret(name)
        self._found.room -= len(value)
        if self._found.room < 0:
            # Values that stand for one another several times over grow without bound.
            raise BadForm(f"with the value of {name} this is too long", f"${name}", "")
        return value


def _pairs(text: str) -> dict[int, int]:
    """For each brace that is opened and closed, where it is closed."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace.group() == "{":
            opened.append(brace.start())
        elif opened:
            found[opened.pop()] = brace.start()
    return found
