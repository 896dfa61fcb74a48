"""Files of variables in Compose's syntax: `KEY=value`, quotes, comments, `export`, multi-line values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devbox.manifest.interpolate import BadForm, Variables, interpolate
from devbox.manifest.source import Place, Problems, Source

_BLANK = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n|[ \t]*#[^\n]*\Z|[ \t]+\Z)*")
_KEY = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][\w.\-\[\]]*)[ \t]*(?P<sign>[=:]|(?=\n|\Z|#))[ \t]*")
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_COMMENT = re.compile(r"(?:\A|[ \t])#")
_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_MOST_PROBLEMS = 10
"""After so many it is another kind of file."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def parse(source: Source, text: str, environment: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """The variables in `text`; a key with no value at all takes it from `environment`."""
    values: dict[str, str] = {}
    problems_before = len(problems.found)
    at = _skip(text, 0)
    while at < len(text) and len(problems.found) < problems_before + _MOST_PROBLEMS:
        at = _skip(text, _entry(source, text, at, values, environment, problems))
    return values


def parse_raw(text: str) -> dict[str, str]:
    """`KEY=value` lines taken as they are (`format: raw`)."""
    lines = (line for line in text.split("\n") if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip(): value for key, _, value in (line.partition("=") for line in lines)}


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _entry(
    source: Source, text: str, at: int, values: dict[str, str], environment: Mapping[str, str], problems: Problems
) -> int:
    """Reads one variable from `at` on; where the next one may begin."""
    key = _KEY.match(text, at)
    if key is None:
        problems.add(_place(source, text, at), "a line here is KEY=value", "Comments begin with #.")
        return _next_line(text, at)
    if not key["sign"]:
        if key["key"] in environment:
            values[key["key"]] = environment[key["key"]]
        return _next_line(text, key.end())
    try:
        value, end = _value(text, key.end(), Variables(environment, values))
    except BadForm as exc:
        problems.add(_place(source, text, at).find(exc.fragment), exc.message, exc.hint)
        return _next_line(text, key.end())
    values[key["key"]] = value
    return end


def _value(text: str, at: int, variables: Variables) -> tuple[str, int]:
    """The value that begins at `at`, and where its line ends. Raises BadForm."""
    if quoted := _SINGLE.match(text, at):
        return quoted[1], _after_quote(text, quoted.end())
    if quoted := _DOUBLE.match(text, at):
        # A backslash before $ keeps it from being a variable.
        raw = quoted[1].replace("\\$", "$$")
        return str(interpolate(_unescaped(raw), variables).template), _after_quote(text, quoted.end())
    if text[at : at + 1] in ("'", '"'):
        raise BadForm("a quote is opened and not closed", text[at : at + 1], "")
    end = _next_line(text, at)
    plain = _COMMENT.split(text[at:end].rstrip("\n"), maxsplit=1)[0]
    return str(interpolate(plain.strip(), variables).template), end


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text, flags=re.DOTALL)


def _after_quote(text: str, at: int) -> int:
    end = _END.match(text, at)
    if end is None:
        raise BadForm("text follows after the closing quote", text[at - 1 : at + 1], "")
    return end.end()


def _next_line(text: str, at: int) -> int:
    line = _LINE.match(text, at)
    return line.end() if line else len(text)


def _place(source: Source, text: str, at: int) -> Place:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    stop = text.find("\n", at)
    return Place(source, line, column, line, column + (stop if stop >= 0 else len(text)) - at)
