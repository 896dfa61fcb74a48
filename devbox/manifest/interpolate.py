"""`${NAME}` and its relatives, as Compose has them, and `${service.export}`, which is devbox's own.

A form in braces that names a service and something after a dot is a reference and stays one; everything else becomes
text at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from devbox.domain.spec import Reference, Template

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTTED = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*\.[A-Za-z0-9_-]+)\}")
_PLAIN_DOTTED = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_-]+)+\Z")
_OPERATOR = re.compile(r":?[-?+]")
_UNTIL_SIGN = re.compile(r"[^$]+")
_UNTIL_SIGN_OR_BRACE = re.compile(r"[^$}]+")
_DEEPEST = 20

ESCAPE_HINT = "Write $$ for a $ that is meant as such."


class BadForm(ValueError):
    """A `$` that begins nothing valid. `fragment` is the text it stands at the beginning of."""

    def __init__(self, message: str, fragment: str, hint: str = ESCAPE_HINT) -> None:
        super().__init__(message)
        self.message, self.fragment, self.hint = message, fragment, hint


@dataclass(frozen=True, slots=True)
class Variables:
    """Where `$NAME` is looked up: the environment first, then what files of variables say. The latter are secret."""

    environment: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        value = self.environment.get(name)
        return self.files.get(name) if value is None else value

    def is_secret(self, name: str) -> bool:
        return name in self.files and name not in self.environment


@dataclass(slots=True)
class Found:
    """What became of one text. `unset` are names that had no value, `secret` tells that one came from a file."""

    parts: list[str | Reference] = field(default_factory=list)
    unset: list[str] = field(default_factory=list)
    secret: bool = False

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


def interpolate(text: str, variables: Variables, services: Collection[str] = ()) -> Found:
    """Replaces the variables in `text`. Raises BadForm for a form that is not valid or a value that must be there."""
    reader = _Reader(text, variables, services)
    found = Found()
    reader.read(found, found.parts, closing=False, depth=0)
    return found


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str, variables: Variables, services: Collection[str]) -> None:
        self._text, self._variables, self._services = text, variables, services
        self._at = 0

    def read(self, found: Found, parts: list[str | Reference], *, closing: bool, depth: int) -> None:
        """Appends to `parts` up to the end, or to the brace that closes the form around it."""
        text, ordinary = self._text, _UNTIL_SIGN_OR_BRACE if closing else _UNTIL_SIGN
        while self._at < len(text):
            if plain := ordinary.match(text, self._at):
                parts.append(plain.group())
                self._at = plain.end()
            elif text[self._at] == "}":
                return
            else:
                self._dollar(found, parts, depth)

    def _dollar(self, found: Found, parts: list[str | Reference], depth: int) -> None:
        start, following = self._at, self._text[self._at + 1 : self._at + 2]
        if following == "$":
            self._at += 2
            parts.append("$")
        elif following == "{":
            self._at += 2
            self._braced(start, found, parts, depth)
        elif name := _NAME.match(self._text, start + 1):
            self._at = name.end()
            parts.append(self._value(name.group(), found))
        else:
            raise BadForm("a $ that begins no variable", self._text[start : start + 2])

    def _braced(self, start: int, found: Found, parts: list[str | Reference], depth: int) -> None:
        if reference := self._reference():
            parts.append(reference)
            return
        name = _NAME.match(self._text, self._at)
        if name is None or depth > _DEEPEST:
            why = "is nested too deeply" if name else "begins no variable"
            raise BadForm(f"a ${{ that {why}", self._text[start : start + 12])
        self._at = name.end()
        operator = _OPERATOR.match(self._text, self._at)
        if operator is None:
            self._close(start)
            parts.append(self._value(name.group(), found))
            return
        self._at = operator.end()
        inner, alternative = Found(), list[str | Reference]()
        self.read(inner, alternative, closing=True, depth=depth + 1)
        self._close(start)
        self._choose(start, name.group(), operator.group(), inner, alternative, found, parts)

    def _choose(
        self,
        start: int,
        name: str,
        operator: str,
        inner: Found,
        alternative: list[str | Reference],
        found: Found,
        parts: list[str | Reference],
    ) -> None:
        """Which of the two an operator takes: the variable, or what stands after the operator."""
        value = self._variables.get(name)
        given = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("?") and not given:
            words = "".join(map(str, alternative))
            message = f"the variable {name} is required and has no value" + (f": {words}" if words else "")
            hint = f"Set {name} in the environment or in .env."
            raise BadForm(message, self._text[start : self._at], hint)
        if given != operator.endswith("+"):
            parts.append(self._value(name, found) if given else "")
        elif not operator.endswith("?"):
            parts.extend(alternative)
            found.unset += inner.unset
            found.secret |= inner.secret

    def _reference(self) -> Reference | None:
        """The reference that begins here, if it is one: the longest service name before a dot decides."""
        match = _DOTTED.match(self._text, self._at)
        if match is None:
            return None
        words, dot = match[1], len(match[1])
        while (dot := words.rfind(".", 0, dot)) > 0:
            if words[:dot] in self._services:
                self._at = match.end()
                return Reference(words[:dot], words[dot + 1 :])
        if not _PLAIN_DOTTED.match(words):
            return None
        self._at = match.end()
        service, _, export = words.partition(".")
        return Reference(service, export)

    def _value(self, name: str, found: Found) -> str:
        value = self._variables.get(name)
        if value is None:
            found.unset.append(name)
            return ""
        found.secret |= self._variables.is_secret(name)
        return value

    def _close(self, start: int) -> None:
        if self._text[self._at : self._at + 1] != "}":
            end = self._text.find("}", start)
            fragment = self._text[start : end + 1 if end >= 0 else start + 40].split("\n")[0]
            raise BadForm(f"{fragment} is not a valid variable", fragment)
        self._at += 1
