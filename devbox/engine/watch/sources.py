"""Where changes come from: inotify on Linux, `watchfiles` elsewhere, polling where a file system tells nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Protocol

from devbox.engine.watch.inotify import Inotify, LimitReached
from devbox.engine.watch.tree import Tree
from devbox.plan.burst import Changes, Kind

if TYPE_CHECKING:
    from watchfiles import Change

Told = Callable[[Changes], None]
Say = Callable[[str, str], None]
"""A sentence for the user, and a way out."""

_SILENT = frozenset({"9p", "drvfs", "nfs", "nfs4", "cifs", "smb3", "smbfs", "vboxsf", "fuse.sshfs", "fuse.vmhgfs-fuse"})
"""File systems that do not tell of changes made on their other side."""

_POLL_EVERY = 300


class Source(Protocol):
    """Tells of changed paths until it is closed."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class NativeSource:
    """inotify, read by the event loop itself.

    Folders are followed by their true names, and told of by those they were asked for: the kernel knows a folder once,
    whatever leads to it. The folder around each root is watched too, as a root may come later, go and come back, or be
    a link that is turned to another folder.
    """

    def __init__(self, paths: Collection[str], skips: Callable[[str], bool], told: Told, say: Say) -> None:
        self._paths, self._skips, self._told, self._say = frozenset(paths), skips, told, say
        self._inotify = Inotify()
        self._asked: dict[str, dict[str, None]] = {}
        self._tree = Tree(self._inotify, lambda folder: all(map(skips, self._names(folder))))

    async def start(self) -> None:
        await asyncio.to_thread(self._follow)
        if (trouble := self._tree.troubled) is not None:
            raise trouble
        asyncio.get_running_loop().add_reader(self._inotify.fileno(), self._take)

    def _follow(self) -> None:
        around = [_nearest(os.path.dirname(path)) for path in self._paths]
        for path in [*self._paths, *around]:
            self._asked.setdefault(os.path.realpath(path), {})[path] = None
        # Roots first: a folder that is entered for what is in it alone would not be entered again.
        for path in sorted(self._paths):
            if os.path.isdir(path):
                self._tree.follow(os.path.realpath(path))
        for path in around:
            self._tree.follow_one(os.path.realpath(path))

    def _take(self) -> None:
        found = self._tree.changes()
        changed = {name: kind for path, kind in found.items() for name in self._names(path)}
        for path in [each for each in changed if each in self._paths and os.path.isdir(each)]:
            del changed[path]
            changed.update(dict.fromkeys(self._turned(path), Kind.WRITTEN))
        if changed:
            self._told(changed)
        if (trouble := self._tree.troubled) is not None:
            self._tree.troubled = None
            self._say(f"new folders are not watched: {trouble.strerror}", trouble.hint)

    def _turned(self, path: str) -> list[str]:
        """A root that is a link leads to a folder now, or to another one: every file that is there."""
        real = os.path.realpath(path)
        self._asked.setdefault(real, {})[path] = None
        return [path + file[len(real) :] for file in self._tree.follow(real)]

    def _names(self, path: str) -> list[str]:
        """What a path is called by those who asked for it or for a folder around it."""
        names: dict[str, None] = {}
        for real, asked in self._asked.items():
            if path == real or path.startswith(real.rstrip(os.sep) + os.sep):
                names.update({name.rstrip(os.sep) + path[len(real.rstrip(os.sep)) :]: None for name in asked})
        return list(names) or [path]

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._inotify.fileno())
        self._inotify.close()


class LibrarySource:
    """`watchfiles`: native where the platform has something, or polling."""

    def __init__(self, paths: Collection[str], told: Told, *, polls: bool) -> None:
        self._paths, self._told, self._polls = paths, told, polls
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        from watchfiles import awatch

        there = await asyncio.to_thread(lambda: [path for path in self._paths if os.path.exists(path)])
        if not there:
            return
        step, wait = (50, 200) if self._polls else (10, 50)
        watching = awatch(
            *there, watch_filter=None, debounce=wait, step=step, force_polling=self._polls, poll_delay_ms=_POLL_EVERY
        )
        async for changes in watching:
            self._told(_kinds(changes))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _kinds(changes: Iterable[tuple[Change, str]]) -> Changes:
    """What became of files, of which the library may tell several things in no order."""
    from watchfiles import Change

    known: Changes = {}
    for change, path in changes:
        if not os.path.lexists(path):
            known[path] = Kind.GONE
        elif change is Change.added or known.get(path) is not Kind.CAME:
            known[path] = Kind.CAME if change is Change.added else Kind.WRITTEN
    return known


async def open_source(paths: Collection[str], skips: Callable[[str], bool], told: Told, say: Say) -> Source:
    """The best source there is for these paths, started. What is not the best is said."""
    silent = [path for path in paths if _file_system(path) in _SILENT]
    if silent:
        say(f"{silent[0]} is polled for changes: its file system ({_file_system(silent[0])}) does not tell of them", "")
    elif sys.platform == "linux":
        native: NativeSource | None = None
        try:
            native = NativeSource(paths, skips, told, say)
            await native.start()
            return native
        except LimitReached as exc:
            say(f"files are polled for changes: {exc.strerror}", exc.hint)
        except OSError as exc:
            say(f"files are polled for changes: {exc.strerror}", "")
        if native is not None:
            await native.close()
    library = LibrarySource(paths, told, polls=bool(silent) or sys.platform == "linux")
    await library.start()
    return library


def _nearest(path: str) -> str:
    """The innermost folder on the way to a path that is there."""
    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def _file_system(path: str) -> str:
    """The type of the file system that a path is on; empty where it is not known."""
    best, kind = "", ""
    with contextlib.suppress(OSError), open("/proc/self/mounts") as mounts:
        for line in mounts:
            _, at, found, *_ = line.split(" ")
            if (path + os.sep).startswith(at.rstrip(os.sep) + os.sep) and len(at) >= len(best):
                best, kind = at, found
    return kind
