"""The files of a project, read with bounds that hold for all of them together."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from devbox.manifest.locate import STDIN
from devbox.manifest.parse import LARGEST_FILE, Room, lines_of, parse, read_text
from devbox.manifest.source import Place, Problems, Source, display_name
from devbox.manifest.tree import Mapping as Tree

MOST_FILES = 1000
LARGEST_TOGETHER = 4 * LARGEST_FILE

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|oci:|github\.com/", re.IGNORECASE)


def is_remote(text: str) -> bool:
    """Whether a text names something that other tools fetch from elsewhere."""
    return _REMOTE.match(text) is not None


def located(directory: Path, text: str) -> Path:
    """The path that a text in a manifest stands for."""
    return Path(os.path.normpath(directory / text))


class Files:
    """Reads each file once. `given` holds what is in files that are not read from disk."""

    def __init__(self, problems: Problems, given: Mapping[Path, bytes] | None = None) -> None:
        self._problems, self._given = problems, given or {}
        self._known: dict[tuple[Path, Path | None], tuple[Tree, ...] | None] = {}
        self._room, self._bytes = Room(), LARGEST_TOGETHER

    def documents(self, path: Path, base: Path | None = None, place: Place | None = None) -> tuple[Tree, ...] | None:
        """The documents of a file, of which there may be none; None with the reason among the problems.

        Relative paths in it start from `base`, or from where it is. `place` is where another file names it.
        """
        key = (path, base)
        if key not in self._known:
            self._known[key] = self._read(path, base, place)
        return self._known[key]

    def _read(self, path: Path, base: Path | None, place: Place | None) -> tuple[Tree, ...] | None:
        name = "<stdin>" if path == STDIN else display_name(path)
        source = Source(path if path == STDIN else path.absolute(), name, base=base)
        if path != STDIN and path not in self._given:
            self._problems.looked_at.add(path.absolute())
        if len(self._known) >= MOST_FILES or self._bytes < 0:
            self._problems.add(place or Place(source), f"with {name} these are more files than are read at most")
            return None
        text = read_text(source, self._problems, place, data=self._given.get(path))
        if text is None:
            return None
        self._bytes -= len(text)
        source = Source(source.path, name, lines_of(text), base)
        return parse(source, text, self._problems, self._room)
