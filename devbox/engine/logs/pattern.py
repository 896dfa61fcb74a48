"""What a query looks for, made fast: literals found with memory search, and only where they are the expression itself.

Python's regular expressions go over text at some 50 MB a second; finding a literal in bytes is twenty times as fast. So
the literals that every match must hold are drawn from an expression, and it is tried on the lines that have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from devbox.domain.errors import UsageError
from devbox.domain.log import LogQuery
from devbox.engine.logs.seek import Block

Span = tuple[int, int]
"""Where a line is in its block: its first byte, and the byte behind its last one, without the newline."""

_MOST_LITERALS = 8
_SAMPLE = 8 << 10
_GRAVE_WORDS = tuple(b"warn err fail sever fatal crit panic emerg alert exception traceback".split())
"""One of these is in nearly every line that is a warning or worse, in small letters."""

_GRAVE_MARKS = (
    (re.compile(rb"\[(?:inf|dbg|vrb)"), (b"wrn", b"ftl")),
    (re.compile(rb'"level":\d'), (b'level":4', b'level":5', b'level":6')),
    (re.compile(rb'"s":"[id]'), (b'"s":"w', b'"s":"e', b'"s":"f')),
    (re.compile(rb'http/[\d.]+" \d'), (b'" 4', b'" 5')),
    (re.compile(rb"\d:[xcsm] .{24} [.*#-] "), (b" # ",)),
    (re.compile(rb"^[iwef]\d{4} ", re.MULTILINE), (b"\nw0", b"\nw1", b"\ne0", b"\ne1", b"\nf0", b"\nf1")),
    (re.compile(rb"^<\d", re.MULTILINE), (b"\n<",)),
)
"""Formats that say it in a sign: how they are known by the start of a block, and their signs in small letters."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line matches if it holds one of `literals` (None: no telling) and then `expression` (None: that is enough)."""

    literals: tuple[bytes, ...] | None
    folded: bool
    expression: re.Pattern[str] | None

    def spans(self, block: bytes) -> Iterator[Span]:
        """The lines of a block of whole lines that match, in their order."""
        if self.literals is None:
            yield from self._tried(_every_line(block))
        elif not self.literals:
            yield from self._searched(block)
        else:
            yield from self._tried(_with_literals(block.lower() if self.folded else block, self.literals), block)

    def matches(self, line: str) -> bool:
        """Whether one line matches."""
        if self.expression is not None:
            return self.expression.search(line) is not None
        if not self.literals:
            return True
        text = line.lower() if self.folded else line
        return any(literal.decode("utf-8", "replace") in text for literal in self.literals)

    def _tried(self, spans: Iterator[Span], block: bytes = b"") -> Iterator[Span]:
        if self.expression is None:
            yield from spans
            return
        for start, end in spans:
            if self.expression.search(_text(block[start:end])):
                yield start, end

    def _searched(self, block: bytes) -> Iterator[Span]:
        """Lines in which an expression without any literal is found: it is let loose on the whole block."""
        expression = self.expression
        if expression is None:
            return
        text = block.decode("utf-8", "surrogateescape")
        wide = len(text) != len(block)
        at, behind = 0, 0
        while found := expression.search(text, at):
            start = text.rfind("\n", 0, found.start()) + 1
            end = text.find("\n", found.start())
            end = len(text) if end < 0 else end
            if expression.search(_visible(text[start:end])):
                behind += len(_back(text[at:start])) if wide else 0
                first = behind if wide else start
                length = len(_back(text[start:end])) if wide else end - start
                yield first, first + length
                behind = first + length + 1
            elif wide:
                behind += len(_back(text[at : end + 1]))
            at = end + 1
            if at >= len(text):
                return


def pattern_of(query: LogQuery) -> Pattern:
    """What a query's text means. Raises UsageError where it is no regular expression."""
    if not query.text:
        return Pattern(None, False, None)
    ascii_only = query.text.isascii()
    if not query.regex and (ascii_only or not query.ignore_case):
        literal = query.text.encode("utf-8", "surrogateescape")
        return Pattern((literal.lower() if query.ignore_case else literal,), query.ignore_case, None)
    text = query.text if query.regex else re.escape(query.text)
    flags = re.MULTILINE | (re.IGNORECASE if query.ignore_case else 0)
    try:
        expression = re.compile(text, flags)
        parsed = _parser.parse(text, flags)
    except (re.error, RecursionError, OverflowError) as exc:
        raise UsageError(f"{query.text!r} is no regular expression: {exc}", hint="See `re` of Python.") from exc
    folded = bool(parsed.state.flags & re.IGNORECASE)
    literals = None if parsed.state.flags & (re.VERBOSE | re.DOTALL) else _required(parsed)
    if literals is None or (folded and not all(text.isascii() for text in literals)):
        return Pattern((), folded, expression)
    encoded = (text.encode("utf-8", "surrogateescape") for text in literals)
    return Pattern(tuple(text.lower() if folded else text for text in encoded), folded, expression)


def grave_spans(block: bytes) -> Iterator[Span]:
    """The lines that may be warnings or worse: all that are, and some that are not."""
    folded = block.lower()
    sample = folded[:_SAMPLE]
    marks = [mark for form, marks in _GRAVE_MARKS if form.search(sample) for mark in marks]
    # What tells a level at the start of a line is looked for with the newline before it; the first line has none.
    first = block.find(b"\n")
    yield 0, len(block) if first < 0 else first
    for start, end in _with_literals(folded, (*_GRAVE_WORDS, *marks)):
        if start > 0:
            yield start, end


def _required(parsed: Any) -> list[str] | None:
    """Literals of which every match holds one, the longest that there are; None where none is certain."""
    best: list[str] | None = None
    run = ""
    for op, value in [*parsed, (None, None)]:
        if op is _constants.LITERAL and value != 10:
            run += chr(value)
            continue
        found = [[run]] if run else []
        run = ""
        if (inner := _inside(op, value)) is not None:
            found.append(inner)
        for each in found:
            if best is None or min(map(len, each)) > min(map(len, best)):
                best = each
    return best


def _inside(op: Any, value: Any) -> list[str] | None:
    if op is _constants.SUBPATTERN:
        _, add, remove, inner = value
        return None if add or remove else _required(inner)
    if op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and value[0] > 0:
        return _required(value[2])
    if op is _constants.BRANCH:
        branches = [_required(branch) for branch in value[1]]
        if all(branches):
            found = [text for branch in branches for text in branch or ()]
            return found if len(found) <= _MOST_LITERALS else None
    return None


def _with_literals(block: bytes, literals: tuple[bytes, ...]) -> Iterator[Span]:
    seen = Block(block)
    nexts = {literal: at for literal in literals if (at := seen.find(literal)) >= 0}
    while nexts:
        at = min(nexts.values())
        # A literal may begin with the newline before its line.
        at += block.startswith(b"\n", at)
        start = block.rfind(b"\n", 0, at) + 1
        end = block.find(b"\n", at)
        end = len(block) if end < 0 else end
        yield start, end
        for literal, found in list(nexts.items()):
            if found < end:
                found = seen.find(literal, end)
                if found < 0:
                    del nexts[literal]
                else:
                    nexts[literal] = found


def _every_line(block: bytes) -> Iterator[Span]:
    start = 0
    while start < len(block):
        end = block.find(b"\n", start)
        end = len(block) if end < 0 else end
        yield start, end
        start = end + 1


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")


def _back(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _visible(text: str) -> str:
    return _text(_back(text)) if not text.isascii() else text.removesuffix("\r")
