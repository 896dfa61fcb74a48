"""Watching for a whole mesh: one source of changes, the rules they meet, and when each is acted on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

from devbox.domain.event import SpecApplied, StepFinished, WatchNoted
from devbox.domain.spec import ContainerRun
from devbox.domain.step import Op
from devbox.domain.watching import WatchAction, WatchRule
from devbox.engine.loop import Engine, Turn
from devbox.engine.watch.acting import Acting, Change
from devbox.engine.watch.filters import IGNORE_FILES, Filter, Ignores
from devbox.engine.watch.sources import Source, open_source
from devbox.plan.burst import Burst, Changes

_COMPARED_AT_MOST = 50
"""Files of one batch that are read to see whether they really changed."""

_COMPARED_SIZE = 1 << 20

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """One rule of one service, with what it still has to act on. `work` is what is done about it now."""

    service: str
    rule: WatchRule
    filter: Filter
    image: str = ""
    burst: Burst = field(default_factory=Burst)
    work: asyncio.Task[None] | None = None

    @property
    def working(self) -> bool:
        return self.work is not None and not self.work.done()


class Watching:
    """Follows the files of an engine's mesh, from the first manifest with rules on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._acting = Acting(engine)
        self._ignores = Ignores()
        self._watched: list[_Watched] = []
        self._rules: tuple[tuple[str, WatchRule], ...] = ()
        self._source: Source | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()
        engine.listen(self._on_turn)

    async def close(self) -> None:
        """Watch no longer; what is being done about changes is given up."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._source is not None:
            await self._source.close()

    # --- what the mesh does

    def _on_turn(self, turn: Turn) -> None:
        self._acting.courses.follow(turn)
        for event in turn.events:
            if isinstance(event.body, SpecApplied):
                self._respec()
            elif isinstance(event.body, StepFinished) and event.body.op is Op.START and event.body.observed:
                self._fill_again(event.service)
        if any(watched.burst.pending for watched in self._watched):
            self._act()

    def _respec(self) -> None:
        """Follow what the manifest now says. Rules that stay keep what they gathered."""
        app = self._engine.app
        services = app.services if app is not None else ()
        rules = tuple((service.name, rule) for service in services for rule in service.watch)
        if rules == self._rules:
            return
        self._rules = rules
        old = {(each.service, each.rule): each for each in self._watched}
        self._watched = []
        for service in services:
            run = service.run
            build = run.build if isinstance(run, ContainerRun) else None
            for rule in service.watch:
                known = old.get((service.name, rule))
                made = Filter(rule, self._ignores, build.context if build else "")
                image = run.image if isinstance(run, ContainerRun) else ""
                self._watched.append(known or _Watched(service.name, rule, made, image))
        self._do(self._open())

    async def _open(self) -> None:
        async with self._opening:
            former, self._source = self._source, None
            if former is not None:
                await former.close()
            if paths := sorted({each.rule.path for each in self._watched}):
                self._source = await open_source(paths, self._skips, self._told, self._say)

    def _skips(self, folder: str) -> bool:
        """Whether no rule means anything below a folder."""
        return not any(_touches(each.filter, folder) for each in self._watched)

    def _say(self, text: str, hint: str) -> None:
        log.warning("%s %s", text, hint)
        self._engine.post(WatchNoted(text, hint))

    def _fill_again(self, service: str) -> None:
        """A container may have been made anew: what was copied into the former one is not in it."""
        for watched in self._watched:
            if watched.service == service and watched.rule.action.syncs:
                self._do(self._acting.fill(service, watched.rule, watched.filter))

    # --- what files do

    def _told(self, changed: Changes) -> None:
        if any(os.path.basename(path) in IGNORE_FILES for path in changed):
            self._ignores.forget()
            for watched in self._watched:
                watched.filter.forget()
        now = time.monotonic()
        meant = [{p: kind for p, kind in changed.items() if each.filter.means(p)} for each in self._watched]
        contents = _contents({path for mine in meant for path in mine})
        for watched, mine in zip(self._watched, meant, strict=True):
            # A touch, or a formatter with nothing to do, is no change; for what is not well it is another try.
            watched.burst.add(mine, contents, now, compare=self._acting.well(watched.service))
        self._act()

    def _act(self) -> None:
        """Act on every rule whose time has come, and wake up for the next."""
        now = time.monotonic()
        upcoming = None
        for watched in self._watched:
            due = watched.burst.due(busy=self._busy(watched))
            if due is None:
                continue
            if due <= now:
                self._begin(watched, watched.burst.take())
            else:
                upcoming = due if upcoming is None else min(upcoming, due)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if upcoming is not None:
            self._timer = asyncio.get_running_loop().call_later(upcoming - now, self._act)

    def _busy(self, watched: _Watched) -> bool:
        return self._same_work(watched) or self._acting.courses.busy(watched.service, self._engine.state)

    def _same_work(self, watched: _Watched) -> bool:
        """Whether the rule is being acted on, or another one builds the same image."""
        return any(
            other.working
            and (
                other is watched
                or (other.image == watched.image and {other.rule.action, watched.rule.action} == {WatchAction.REBUILD})
            )
            for other in self._watched
        )

    def _begin(self, watched: _Watched, paths: tuple[str, ...]) -> None:
        """Act on a rule. Other services that build the same image from these files need not act themselves."""
        if not self._acting.wanted(watched.service):
            return
        change = Change(watched.service, watched.rule, paths, _written_at(paths))
        if watched.rule.action is WatchAction.RESTART:
            self._acting.restart(change)
            return
        if watched.rule.action is WatchAction.REBUILD:
            for other in self._watched:
                if other.image == watched.image and other.rule.action is WatchAction.REBUILD:
                    other.burst.settle(paths)
        watched.work = self._do(self._acting.carry_out(change))

    def _do(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("watching failed in a way nobody foresaw", exc_info=error)
            self._engine.post(WatchNoted(f"watching failed: {error!r}", "Details are in supervisor.log."))
        elif not task.cancelled():
            self._act()


def _touches(meant: Filter, folder: str) -> bool:
    """Whether a rule means something in a folder, or in one below it."""
    if meant.root == folder or meant.root.startswith(folder + os.sep):
        return True
    return folder.startswith(meant.root + os.sep) and not meant.skips(folder)


def _contents(paths: set[str]) -> dict[str, int]:
    """What files hold, as numbers, as far as that can be told on the way."""
    if len(paths) > _COMPARED_AT_MOST:
        return {}
    return {path: content for path in paths if (content := _content(path)) is not None}


def _content(path: str) -> int | None:
    """What a file holds, as a number; None where it is gone or too large to be read on the way."""
    with contextlib.suppress(OSError):
        if os.path.islink(path):
            return hash(os.readlink(path))
        seen = os.stat(path)
        if os.path.isfile(path) and seen.st_size <= _COMPARED_SIZE:
            with open(path, "rb") as file:
                return hash((seen.st_mode, file.read()))
    return None


def _written_at(paths: tuple[str, ...]) -> float:
    """When the first of these files was written (seconds since the epoch); now, where that cannot be told."""
    now = time.time()
    times = []
    for path in paths[:_COMPARED_AT_MOST]:
        with contextlib.suppress(OSError):
            times.append(os.lstat(path).st_ctime)
    return min((each for each in times if now - 10 < each <= now), default=now)
