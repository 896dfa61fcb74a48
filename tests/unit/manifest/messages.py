"""Every message that the reading of a manifest can end with, found in the code, and every one that a test shows."""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MANIFEST = Path(__file__).parents[3] / "devbox" / "manifest"
TESTS = Path(__file__).parent

_WHOLE = (
    "the file is empty", "there is no manifest here", "larger than", "not a text file", "more than .* problems",
)  # fmt: skip
"""Said of a file, not of a line in it."""


@dataclass(frozen=True)
class Message:
    """A text that a call reports. `pattern` matches whatever it can come to."""

    file: str
    line: int
    pattern: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.pattern}"

    @property
    def whole_file(self) -> bool:
        """Whether it is about a file as a whole, and so has no line to show."""
        return re.match("|".join(_WHOLE), self.pattern.replace("\\", "")) is not None

    def is_shown(self) -> bool:
        """Whether some test shows it as it is printed: with its place, the line itself and a caret."""
        place = r"[^\s:]+" if self.whole_file else r"[^\s:]+:\d+:\d+"
        # What is quoted ends with a dot dot dot: a line that is too long for a caret.
        bare = self.whole_file or self.pattern.endswith("…")
        caret = "" if bare else r"\n +\d+ \| .*\n +\| \s*\^+"
        return re.search(f"(?m)^{place}: {self.pattern}{caret}$", shown()) is not None


def messages() -> list[Message]:
    """Every message in the code that reads manifests."""
    return [each for path in sorted(MANIFEST.glob("*.py")) for each in _messages_of(path)]


def _messages_of(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        known = dict(_assigned(function))
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and (said := _said(call)) is not None:
                for pattern in _patterns(said, known):
                    yield Message(path.name, call.lineno, pattern)


def _said(call: ast.Call) -> ast.expr | None:
    """What a call reports, if it reports anything."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    holder = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name == "add" and holder.endswith("problems") and len(call.args) > 1:
        return call.args[1]
    if name == "BadForm":
        return call.args[0]
    if name == "Problem" and len(call.args) > 3:
        return call.args[3]
    return None


def _assigned(function: ast.FunctionDef) -> Iterator[tuple[str, list[ast.expr]]]:
    """What the names in a function may stand for."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for name, value in pairs:
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).append(value)
    yield from found.items()


def _patterns(node: ast.expr, known: dict[str, list[ast.expr]]) -> list[str]:
    """Regular expressions for the texts that an expression may come to."""
    match node:
        case ast.Constant(value=str(text)):
            return [re.escape(text)] if text else []
        case ast.JoinedStr(values):
            found = [""]
            for part in values:
                ends = [re.escape(part.value)] if isinstance(part, ast.Constant) else _inner(part, known)
                found = [begin + end for begin in found for end in ends]
            return found
        case ast.IfExp(body=body, orelse=orelse):
            return [*_patterns(body, known), *_patterns(orelse, known)]
        case ast.BinOp(left=left, right=right):
            return [a + b for a in _patterns(left, known) for b in (_patterns(right, known) or [""])]
        case ast.Name(id=name) if name in known:
            return [pattern for value in known[name] for pattern in _patterns(value, known)]
        case _:
            return [".*?"]


def _inner(part: ast.expr, known: dict[str, list[ast.expr]]) -> list[str]:
    """What stands in the braces of an f-string: texts that are known, or anything."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    if isinstance(value, ast.Name) and value.id in known:
        inner = [pattern for each in known[value.id] for pattern in _patterns(each, known)]
        return [".*?"] if ".*?" in inner else list(dict.fromkeys(inner)) or [".*?"]
    return [".*?"]


@functools.cache
def shown() -> str:
    """Every text in the tests of the manifest, one after the other, without the margin it is written with."""
    found: list[str] = []
    for path in sorted(TESTS.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(textwrap.dedent(node.value))
    return "\n\n".join(found)
