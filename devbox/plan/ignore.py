"""Patterns of .gitignore files, and the files that editors leave for a moment. Pure: paths are texts, with `/`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TEMPORARY = re.compile(
    r"4913|.*~|#.*#|\.#.*|\.?.*\.sw[a-z]|.*___jb_(tmp|old|bak)___|\.goutputstream-.*|\.~.*|.*\.(tmp|crdownload)"
    r"|\.DS_Store|flycheck_.*|.*\.py[co]|\.nfs[0-9a-f]+"
)
_NEVER = frozenset({".git", ".hg", ".svn", "__pycache__", ".idea", ".vscode"})
"""Folders that no rule means."""


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that an editor or compiler keeps for itself."""
    return _TEMPORARY.fullmatch(name) is not None


def is_internal(name: str) -> bool:
    """Whether a folder of this name belongs to a tool, and is never what somebody edits."""
    return name in _NEVER


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: what it matches, whether it takes back what an earlier one said, and whether it is for folders."""

    regex: re.Pattern[str]
    negated: bool
    folders: bool


@dataclass(frozen=True, slots=True)
class Patterns:
    """The lines of one file, of which the last that matches counts."""

    lines: tuple[Pattern, ...] = ()

    def verdict(self, path: str, *, folder: bool) -> bool | None:
        """Whether a path below the file's folder is matched; None where no line says anything of it."""
        for line in reversed(self.lines):
            if (folder or not line.folders) and line.regex.fullmatch(path):
                return not line.negated
        return None


def parse(lines: Iterable[str]) -> Patterns:
    """The patterns of a .gitignore's lines (gitignore(5)). A line that cannot be understood is left out."""
    return Patterns(tuple(found for line in lines if (found := _pattern(line)) is not None))


def _pattern(line: str) -> Pattern | None:
    text = line.rstrip("\r\n")
    if not text.endswith("\\ "):
        text = text.rstrip(" ")
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[1:] if negated else text.removeprefix("\\")
    folders = text.endswith("/")
    text = text.strip("/") if text.startswith("/") and "/" in text.strip("/") else text.rstrip("/")
    anchored = "/" in text
    text = text.lstrip("/")
    if not text:
        return None
    try:
        return Pattern(re.compile(("" if anchored else "(?:.*/)?") + _regex(text), re.DOTALL), negated, folders)
    except re.error:
        return None


_TOKENS = re.compile(r"(?P<front>^\*\*/)|(?P<middle>/\*\*/)|(?P<end>/\*\*$)|(?P<stars>\*+)|(?P<one>\?)"
                     r"|(?P<set>\[[!^]?\]?[^\]/]*\])|(?P<escaped>\\.)|(?P<other>.)", re.DOTALL)  # fmt: skip
_MEANING = {"front": "(?:.*/)?", "middle": "/(?:.*/)?", "end": "/.*", "stars": "[^/]*", "one": "[^/]"}


def _regex(glob: str) -> str:
    if glob == "**":
        return ".*"
    return "".join(_token(match.lastgroup or "", match[0]) for match in _TOKENS.finditer(glob))


def _token(kind: str, text: str) -> str:
    if kind in _MEANING:
        return _MEANING[kind]
    if kind == "set":
        inner = text[1:-1].replace("\\", "\\\\")
        return f"[^{inner[1:]}]" if inner[0] in "!^" else f"[{inner}]"
    return re.escape(text[-1:])
