"""When log files grow, without a cost to those who write them.

A watch makes every `write()` to a file dearer by about a half, and a service that prints a lot does little else. So a
file is watched only while it is quiet, for one notice: the kernel takes the watch away with the first write. From then
on its size is looked at every now and then, until it is quiet again.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

from devbox.engine.watch.inotify import CREATED, MOVED_TO, OVERFLOW, Inotify

_MODIFIED, _ONE_SHOT = 0x2, 0x80000000  # inotify(7)

_TICK = 0.04
"""Seconds between two looks at a file that is growing."""

_POLL_EVERY = 0.1
"""Seconds between two looks where nothing tells that files grow."""

_HEAL_EVERY = 2.0
"""Seconds after which every file is looked at, though nothing told that it grew."""

_DEBOUNCE_MS, _STEP_MS = 40, 10

Look = Callable[[Collection[str]], set[str]]
"""Looks how long the files of these names are now; which of them are longer or shorter than they were."""

log = logging.getLogger(__name__)


class Growth:
    """Has files of a folder looked at when they grow, by their names."""

    def __init__(self, folder: Path, look: Look) -> None:
        self._folder, self._look = folder, look
        self._names: set[str] = set()
        self._due: set[str] = set()
        self._stirred = asyncio.Event()

    def know(self, names: Collection[str]) -> None:
        """Follow these files too, whether they are there already or not."""
        self._names.update(names)
        self._stir(names)

    async def follow(self) -> None:
        """Do it, for ever."""
        if sys.platform != "linux":
            await self._by_the_library()
            return
        try:
            inotify = Inotify()
        except OSError as exc:
            log.warning("logs are looked at every %g s: %s", _POLL_EVERY, exc)
            await self._by_looking()
            return
        try:
            await _Watches(inotify, self._folder, self._stir).serve(self)
        finally:
            inotify.close()

    async def by_notices(self, watches: _Watches) -> None:
        """Look at what stirs, and then again and again as long as it grows."""
        healed = 0.0
        while True:
            if (now := time.monotonic()) - healed >= _HEAL_EVERY:
                self._due.update(self._names)
                healed = now
            self._stirred.clear()
            due, self._due = self._due, set()
            self._due = self._look(due)
            # What was written just before a watch stood is told of by nobody.
            self._look(watches.stand(due - self._due))
            self._due |= watches.refused
            if self._due:
                await asyncio.sleep(_TICK)
            else:
                await self._wait(healed + _HEAL_EVERY - now)

    def _stir(self, names: Collection[str] | None) -> None:
        self._due |= self._names if names is None else self._names.intersection(names)
        if self._due:
            self._stirred.set()

    async def _wait(self, limit: float) -> None:
        try:
            await asyncio.wait_for(self._stirred.wait(), limit)
        except TimeoutError:
            return

    async def _by_looking(self) -> None:
        while True:
            self._look(self._names)
            await asyncio.sleep(_POLL_EVERY)

    async def _by_the_library(self) -> None:
        from watchfiles import awatch

        self._look(self._names)
        async for _ in awatch(
            self._folder,
            watch_filter=lambda _, path: Path(path).name in self._names,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=int(_HEAL_EVERY * 1000),
            yield_on_timeout=True,
            recursive=False,
        ):
            self._look(self._names)


class _Watches:
    """The watches of quiet files, each for one notice, and one of the folder for files that come.

    `told` is given the names of files that stir, or None where notices were dropped. `refused` are files that the
    kernel gives no watch.
    """

    def __init__(self, inotify: Inotify, folder: Path, told: Callable[[Collection[str] | None], None]) -> None:
        self._inotify, self._folder, self._told = inotify, folder, told
        self._name_of: dict[int, str] = {}
        self._standing: set[str] = set()
        self.refused: set[str] = set()

    async def serve(self, growth: Growth) -> None:
        """Take notices for as long as growth is followed."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._inotify.fileno(), self._take)
        try:
            self._inotify.add(str(self._folder), CREATED | MOVED_TO)
            await growth.by_notices(self)
        finally:
            loop.remove_reader(self._inotify.fileno())

    def stand(self, names: Collection[str]) -> set[str]:
        """Watch these files, where they are not watched already; which of them are only now."""
        return {name for name in names if name not in self._standing and self._add(name)}

    def _add(self, name: str) -> bool:
        try:
            watch = self._inotify.add(str(self._folder / name), _MODIFIED | _ONE_SHOT)
        except FileNotFoundError:
            return False
        except OSError as exc:
            if not self.refused:
                log.warning("logs are looked at every %g s: %s", _TICK, exc)
            self.refused.add(name)
            return False
        self._name_of[watch] = name
        self._standing.add(name)
        self.refused.discard(name)
        return True

    def _take(self) -> None:
        stirred: set[str] = set()
        for notice in self._inotify.read():
            if notice.mask & OVERFLOW:
                self._name_of.clear()
                self._standing.clear()
                self._told(None)
            # One that came again is another file under the same name, and the watch of the old one is worth nothing.
            elif name := notice.name or self._name_of.pop(notice.watch, ""):
                self._standing.discard(name)
                stirred.add(name)
        if stirred:
            self._told(stirred)
