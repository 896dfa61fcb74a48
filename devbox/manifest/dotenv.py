"""Files of variables in Compose's syntax: `KEY=value`, quotes, comments, `export`, multi-line values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from devbox.manifest.interpolate import LONGEST, BadForm, Variables, interpolate
from devbox.manifest.source import Place, Problems, Source

_SPACE = "\t\v\f\r \x85\xa0"
_ANY_SPACE = f"\n{_SPACE}\u1680{''.join(map(chr, range(0x2000, 0x200B)))}\u2028\u2029\u202f\u205f\u3000"
_BLANK = re.compile(rf"(?:[{_ANY_SPACE}]+|#[^\n]*)*")
_KEY = re.compile(rf"(?:export[{_SPACE}]+)?(?P<key>[\w.\-\[\]]+)[{_SPACE}]*(?P<sign>[=:]|\n|\Z)[{_SPACE}]*")
_QUOTED = {
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
}
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([abfnrtv$\"\\])|0([0-3][0-7]{2}))")
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$$", '"': '"', "\\": "\\",
}  # fmt: skip
_MOST_PROBLEMS = 10
"""After so many it is another kind of file."""


def parse(
    source: Source,
    text: str,
    environment: Mapping[str, str],
    problems: Problems,
    earlier: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables in `text`; a key with no value at all takes it from `environment`.

    What values refer to is looked up in `environment`, in the text, and in what `earlier` files said.
    """
    values = dict(earlier or {})
    reader = _Reader(source, text, Variables(environment, values), problems)
    found: dict[str, str] = {}
    for name, value in reader.read():
        values[name] = found[name] = value
    return found


def lines(text: str) -> dict[str, int]:
    """For each variable in a text, the line, counted from 1, that gives it the value it ends up with."""
    reader = _Reader(Source(Path(), ""), text, Variables({}), Problems())
    return {name: text.count("\n", 0, start) + 1 for start, name in reader.starts()}


def parse_raw(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """`KEY=value` lines taken as they are (`format: raw`); a bare name takes its value from `environment`."""
    values: dict[str, str] = {}
    for line in text.split("\n"):
        key, sign, value = line.lstrip().partition("=")
        if sign and not key.startswith("#"):
            values[key.strip()] = value
        elif key in environment:
            values[key] = environment[key]
    return values


class _Reader:
    """Reads one text from variable to variable."""

    def __init__(self, source: Source, text: str, variables: Variables, problems: Problems) -> None:
        self._source, self._text, self._variables, self._problems = source, text, variables, problems
        self._at, self._room = 0, LONGEST

    def read(self) -> Iterator[tuple[str, str]]:
        """Each name with its value, which the next one may refer to."""
        most = len(self._problems.found) + _MOST_PROBLEMS
        while self._skip() and len(self._problems.found) < most:
            name, value = self._entry()
            if value is not None:
                yield name, value

    def starts(self) -> Iterator[tuple[int, str]]:
        """Where each entry begins, and the name it gives a value to."""
        while self._skip():
            start, (name, _) = self._at, self._entry()
            if name:
                yield start, name

    def _skip(self) -> bool:
        """Goes past spaces and comments; whether anything follows."""
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._at < len(self._text)

    def _entry(self) -> tuple[str, str | None]:
        """The next name, and its value if it has one. After a quote, another one may follow on the same line."""
        start, key = self._at, _KEY.match(self._text, self._at)
        if key is None:
            self._at = self._line_end(start)
            self._problems.add(self._place(start, self._at), "a line here is KEY=value", "Comments begin with #.")
            return "", None
        start = self._at = key.end()
        if key["sign"] not in ("=", ":"):
            return key["key"], self._variables.environment.get(key["key"])
        pattern = _QUOTED.get(self._text[start : start + 1])
        quoted = pattern.match(self._text, start) if pattern else None
        self._at = quoted.end() if quoted else self._line_end(start)
        try:
            return key["key"], self._value(quoted, self._text[start : self._at])
        except BadForm as exc:
            self._problems.add(self._place(start, self._at).find(exc.fragment), exc.message, exc.hint)
            return "", None

    def _value(self, quoted: re.Match[str] | None, text: str) -> str:
        """The value that is written so. Raises BadForm."""
        text = _unquoted(quoted) if quoted else _plain(text)
        if "$" in text and (quoted is None or quoted.group().startswith('"')):
            found = interpolate(text, self._variables, longest=self._room)
            self._room = found.room
            return str(found.template)
        return text

    def _line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        return end if end >= 0 else len(self._text)

    def _place(self, start: int, end: int) -> Place:
        return Place(self._source, *self._position(start), *self._position(end))

    def _position(self, at: int) -> tuple[int, int]:
        return self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at)


def _unquoted(quoted: re.Match[str]) -> str:
    """What stands between quotes, with the escapes of shells replaced between double ones."""
    mark = quoted.group()[0]
    text = _PAIR.sub(lambda pair: mark if pair[1] == mark else pair[0], quoted[1])
    return text if mark == "'" else _ESCAPE.sub(_escaped, text)


def _escaped(escape: re.Match[str]) -> str:
    return _ESCAPES[escape[1]] if escape[1] else chr(int(escape[2], 8))


def _plain(text: str) -> str:
    """A value without quotes. A comment needs a space before it, so that a value can have a `#` in it."""
    if text.startswith(("'", '"')):
        raise BadForm("a quote is opened and not closed", text[0], "")
    return text.split(" #", 1)[0].rstrip(_ANY_SPACE)
