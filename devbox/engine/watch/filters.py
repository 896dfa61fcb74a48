"""Which files a rule means: its own patterns, .gitignore, .dockerignore, and what editors leave for a moment."""

from __future__ import annotations

import os
from collections.abc import Iterator

from devbox.domain.watching import WatchRule, anchored
from devbox.plan.ignore import Patterns, is_internal, is_temporary, parse

IGNORE_FILES = frozenset({".gitignore", ".dockerignore"})


class Ignores:
    """The ignore files of folders, read once each until `forget`."""

    def __init__(self) -> None:
        self._read: dict[str, Patterns] = {}

    def of(self, file: str) -> Patterns:
        found = self._read.get(file)
        if found is None:
            lines = _lines(file)
            if os.path.basename(file) == ".dockerignore":
                lines = [anchored(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
            found = self._read[file] = parse(lines)
        return found

    def forget(self) -> None:
        self._read.clear()


def _lines(file: str) -> list[str]:
    try:
        with open(file, errors="replace") as lines:
            return lines.read(1 << 20).splitlines()
    except OSError:
        return []


class Filter:
    """What one rule means. `context` is where the service's image is built, whose .dockerignore counts too."""

    def __init__(self, rule: WatchRule, ignores: Ignores, context: str = "") -> None:
        self.root, self._ignores, self._context = rule.path, ignores, context
        self._ignore, self._include = parse(rule.ignore), parse(rule.include)
        self._folders: dict[str, bool] = {}
        self._tops: list[str] | None = None

    def forget(self) -> None:
        """Ignore files changed."""
        self._folders.clear()
        self._tops = None

    def means(self, path: str) -> bool:
        """Whether a file is one that the rule is about."""
        if path == self.root:
            return True
        if not path.startswith(self.root + os.sep):
            return False
        folder, name = os.path.split(path)
        if is_temporary(name) or self.skips(folder) or self._ignored(path, folder=False):
            return False
        return not self._include.lines or self._included(path)

    def skips(self, folder: str) -> bool:
        """Whether nothing below a folder is meant."""
        if folder == self.root or not folder.startswith(self.root + os.sep):
            return False
        known = self._folders.get(folder)
        if known is None:
            parent, name = os.path.split(folder)
            known = is_internal(name) or self.skips(parent) or self._ignored(folder, folder=True)
            self._folders[folder] = known
        return known

    def _included(self, path: str) -> bool:
        relative = os.path.relpath(path, self.root)
        parts = relative.split(os.sep)
        above = any(self._include.verdict("/".join(parts[:n]), folder=True) for n in range(1, len(parts)))
        return above or self._include.verdict(relative, folder=False) is True

    def _ignored(self, path: str, *, folder: bool) -> bool:
        if (said := self._ignore.verdict(os.path.relpath(path, self.root), folder=folder)) is not None:
            return said
        for file in self._files(path):
            base = os.path.dirname(file)
            said = self._ignores.of(file).verdict(os.path.relpath(path, base), folder=folder)
            if said is not None:
                return said
        return False

    def _files(self, path: str) -> Iterator[str]:
        """The ignore files that may speak of a path, the nearest first."""
        folder = os.path.dirname(path)
        while folder == self.root or folder.startswith(self.root + os.sep):
            yield os.path.join(folder, ".gitignore")
            folder = os.path.dirname(folder)
        if self._tops is None:
            self._tops = list(self._above())
        yield from self._tops

    def _above(self) -> Iterator[str]:
        """Those above the rule's path, up to the repository's top; none where they have the path itself ignored."""
        if self._context and (self.root + os.sep).startswith(self._context + os.sep):
            yield os.path.join(self._context, ".dockerignore")
        top = self.root
        found = []
        while not os.path.exists(os.path.join(top, ".git")):
            parent = os.path.dirname(top)
            if parent == top:
                return
            found.append(os.path.join(parent, ".gitignore"))
            top = parent
        below = os.path.relpath(self.root, top).split(os.sep)
        paths = [os.path.join(top, *below[:n]) for n in range(1, len(below) + 1)]
        for file in found:
            base = os.path.dirname(file) + os.sep
            inner = [os.path.relpath(path, base) for path in paths if path.startswith(base)]
            if any(self._ignores.of(file).verdict(each, folder=True) for each in inner):
                return
        yield from found
