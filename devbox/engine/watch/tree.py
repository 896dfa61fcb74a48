"""Folders followed with inotify, each with what is in it, so that a change missed is found by looking."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable

from devbox.engine.watch.inotify import (
    CLOSED,
    CREATED,
    DELETED,
    IGNORED,
    IS_FOLDER,
    MOVED_FROM,
    MOVED_TO,
    OVERFLOW,
    Inotify,
    LimitReached,
    Notice,
)
from devbox.plan.burst import Changes, Kind, note

Skips = Callable[[str], bool]
"""Whether a folder is one that no rule means, so that it needs no watch."""


class Tree:
    """The folders below some roots. `troubled` is the first limit that was hit while watches were added.

    `_unfinished` are files that came, and whose writer has not closed them yet.
    """

    def __init__(self, inotify: Inotify, skips: Skips) -> None:
        self._inotify, self._skips = inotify, skips
        self._folders: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._names: dict[int, set[str]] = {}
        self._unfinished: set[str] = set()
        self._looked_at = time.time_ns()
        self.troubled: LimitReached | None = None

    def follow(self, root: str) -> list[str]:
        """Watch a folder and all below it; every file that is there."""
        found, todo = [], [root]
        while todo:
            folder = todo.pop()
            if folder in self._numbers or (folder != root and self._skips(folder)):
                continue
            files, folders = self._enter(folder)
            found += files
            todo += folders
        return found

    def follow_one(self, folder: str) -> None:
        """Watch a folder for the sake of single files in it."""
        if folder not in self._numbers:
            self._enter(folder)

    def _enter(self, folder: str) -> tuple[list[str], list[str]]:
        try:
            # First the watch, then the look: what comes in between is seen twice rather than never.
            number = self._inotify.add(folder)
        except LimitReached as exc:
            self.troubled = self.troubled or exc
            return [], []
        except OSError:
            return [], []
        self._folders[number], self._numbers[folder] = folder, number
        files, folders = _listing(folder)
        self._names[number] = {os.path.basename(path) for path in files}
        return files, folders

    def changes(self) -> Changes:
        """The files that were written, came or went since the last time, each once, in order."""
        changed: Changes = {}
        overflown = False
        for notice in self._inotify.read():
            if notice.mask & OVERFLOW:
                overflown = True
            elif notice.watch in self._folders:
                self._take(notice, changed)
        if overflown:
            self._look_again(changed)
        self._looked_at = time.time_ns()
        return changed

    def _take(self, notice: Notice, changed: Changes) -> None:
        if notice.mask & IGNORED:
            self._forget(notice.watch)
        elif notice.name and notice.mask & IS_FOLDER:
            self._take_folder(self._path(notice), notice.mask, changed)
        elif notice.name:
            self._take_file(notice, changed)

    def _path(self, notice: Notice) -> str:
        return os.path.join(self._folders[notice.watch], notice.name)

    def _take_file(self, notice: Notice, changed: Changes) -> None:
        path, names = self._path(notice), self._names[notice.watch]
        if notice.mask & (DELETED | MOVED_FROM):
            names.discard(notice.name)
            self._unfinished.discard(path)
            note(changed, path, Kind.GONE)
            return
        if notice.name not in names:
            names.add(notice.name)
            self._unfinished.add(path)
        if notice.mask & (CLOSED | MOVED_TO) or (notice.mask & CREATED and _is_whole(path)):
            note(changed, path, Kind.CAME if path in self._unfinished else Kind.WRITTEN)
            self._unfinished.discard(path)

    def _take_folder(self, path: str, mask: int, changed: Changes) -> None:
        if mask & (CREATED | MOVED_TO) and not self._skips(path):
            for file in self.follow(path):
                note(changed, file, Kind.CAME)
        elif mask & (MOVED_FROM | DELETED):
            for file in self._leave(path):
                note(changed, file, Kind.GONE)

    def _leave(self, folder: str) -> list[str]:
        """A folder went away with all that was in it: those files are gone."""
        below = [each for each in self._numbers if each == folder or each.startswith(folder + os.sep)]
        gone = []
        for each in below:
            number = self._numbers[each]
            gone += [os.path.join(each, name) for name in self._names[number]]
            self._inotify.remove(number)
            self._forget(number)
        return gone

    def _forget(self, number: int) -> None:
        folder = self._folders.pop(number, None)
        self._names.pop(number, None)
        if folder is not None and self._numbers.get(folder) == number:
            del self._numbers[folder]

    def _look_again(self, changed: Changes) -> None:
        """The kernel dropped notices: whatever is new, gone or written since the last look."""
        since = self._looked_at - 2_000_000_000
        for number, folder in list(self._folders.items()):
            files, folders = _listing(folder)
            before = self._names.get(number, set())
            self._names[number] = {os.path.basename(path) for path in files}
            for name in before - self._names[number]:
                note(changed, os.path.join(folder, name), Kind.GONE)
            for path in (each for each in files if _written(each) >= since):
                note(changed, path, Kind.WRITTEN if os.path.basename(path) in before else Kind.CAME)
            for each in folders:
                if each not in self._numbers and not self._skips(each):
                    for path in self.follow(each):
                        note(changed, path, Kind.CAME)


def _listing(folder: str) -> tuple[list[str], list[str]]:
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.path)
    except OSError:
        return files, folders
    return files, folders


def _written(path: str) -> int:
    try:
        return os.lstat(path).st_ctime_ns
    except OSError:
        return 0


def _is_whole(path: str) -> bool:
    """Whether a file that has just come is all there: a link; others are written and closed after this."""
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISLNK(seen.st_mode) or seen.st_nlink > 1
