"""What is done about changes: files brought into containers, images built again, commands run, services restarted."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from signal import Signals

from devbox.domain.errors import DevboxError, StepError
from devbox.domain.event import Progress, Reloaded, ReloadFailed, ReloadRequested, WatchNoted
from devbox.domain.instance import Ref
from devbox.domain.spec import UnitKey
from devbox.domain.watching import Part, WatchAction, WatchRule
from devbox.engine.loop import Engine
from devbox.engine.watch.course import Courses
from devbox.engine.watch.filters import Filter
from devbox.plan.state import UnitState
from devbox.runtimes.base import SyncBatch

_NAMED = 3
"""Files of a change that its events name; of the rest they tell the number."""

_COMMAND_LIMIT = 300.0


@dataclass(slots=True)
class Change:
    """Files that changed, absolute, and the rule they meet. `parts` are what was done about them so far."""

    service: str
    rule: WatchRule
    paths: tuple[str, ...]
    written_at: float
    parts: list[Part] = field(default_factory=list)
    since: float = field(default_factory=time.time)

    def note(self, name: str) -> None:
        now = time.time()
        self.parts.append(Part(name, now - self.since))
        self.since = now


class Acting:
    """Carries out what rules ask for. Nothing is done to a service that nobody wants to run."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.courses = Courses(engine.post)
        self._copied: dict[tuple[str, WatchRule], dict[str, None]] = {}
        self._filled: set[tuple[Ref, WatchRule]] = set()

    def wanted(self, service: str) -> bool:
        return any(unit.wanted for unit in self._engine.state.of_service(service))

    def well(self, service: str) -> bool:
        """Whether every replica is as it shall be, so that a change which is none needs nothing done."""
        return all(unit.ready for unit in self._engine.state.of_service(service))

    def restart(self, change: Change) -> None:
        """Have the service make way for a new one of itself."""
        rule, files = change.rule, self._named(change.paths)
        words = str(rule)
        body = ReloadRequested(change.service, words, rule.action, files, len(change.paths), rule.cascade)
        self.courses.begin(body, change.written_at, tuple(change.parts))

    async def carry_out(self, change: Change) -> None:
        """Everything else that a rule may ask for; how it went is an event."""
        change.parts.append(Part("noticed", max(0.0, change.since - change.written_at)))
        try:
            note = await self._carried_out(change)
        except StepError as exc:
            self._failed(change, exc.failure.message, exc.failure.tail)
        except DevboxError as exc:
            self._failed(change, exc.message, ())
        else:
            if note is not None:
                self._done(change, note)

    async def _carried_out(self, change: Change) -> str | None:
        """What is to be said of it besides; None where a restart goes on from here and tells of its end itself."""
        rule, note = change.rule, ""
        if rule.action.syncs:
            note = await self._sync(change)
            change.note("synced")
        if rule.action is WatchAction.REBUILD:
            if not await self._rebuild(change):
                return "the image is as it was"
            return None
        if rule.action is WatchAction.SYNC_RESTART:
            if self.wanted(change.service):
                self.restart(change)
            return None
        if rule.hook is not None:
            await self._run_hook(change)
            change.note("command")
        if rule.signal:
            await self._engine.signal([change.service], Signals[rule.signal], "a change of files")
            change.note("signalled")
        return note

    # --- files into containers

    async def _sync(self, change: Change) -> str:
        copied = self._copied.setdefault((change.service, change.rule), {})
        copied.update(dict.fromkeys(change.paths))
        newer: dict[str, None] = {}
        for unit, ref in self._live(change.service):
            newer.update(dict.fromkeys(await self._bring(unit, ref, change.rule, change.paths)))
        return f"overwrote what was newer in the container: {', '.join(newer)}" if newer else ""

    async def _bring(self, unit: UnitState, ref: Ref, rule: WatchRule, paths: tuple[str, ...]) -> tuple[str, ...]:
        batch = await asyncio.to_thread(batch_of, rule, paths)
        if unit.unit is None or not (batch.copies or batch.gone):
            return ()
        return await self._engine.runtimes[ref.runtime].sync(ref, unit.unit, batch)

    async def fill(self, service: str, rule: WatchRule, meant: Filter) -> None:
        """Bring into a new container what was copied into its predecessor; with `initial_sync` all there is."""
        for unit, ref in self._live(service):
            if (ref, rule) in self._filled:
                continue
            self._filled.add((ref, rule))
            paths = tuple(self._copied.get((service, rule), ()))
            if rule.initial_sync:
                paths = (*paths, *await asyncio.to_thread(lambda: tuple(files_of(rule, meant))))
            if paths:
                await self._filled_with(service, unit, ref, rule, tuple(dict.fromkeys(paths)))

    async def _filled_with(
        self, service: str, unit: UnitState, ref: Ref, rule: WatchRule, paths: tuple[str, ...]
    ) -> None:
        change = Change(service, rule, paths, time.time())
        try:
            await self._bring(unit, ref, rule, paths)
        except StepError as exc:
            self._failed(change, exc.failure.message, exc.failure.tail)
        except DevboxError as exc:
            self._engine.post(WatchNoted(f"{service} could not be filled: {exc.message}", exc.hint, service))
        else:
            change.note("synced")
            self._done(change, "a new container")

    # --- the rest

    async def _rebuild(self, change: Change) -> bool:
        """Build the image, once, and have every service that runs it replaced; False where it came out the same."""
        unit = next((u for u, _ in self._live(change.service)), self._units(change.service)[0])
        if unit.unit is None:
            return False
        runtime = self._engine.runtimes[unit.unit.spec.runtime]

        def report(text: str, done: int | None, total: int | None) -> None:
            self._engine.post(Progress(f"rebuild:{unit.key}", unit.key, text, done, total))

        await runtime.rebuild(unit.unit, report)
        change.note("built")
        units = {u.key: u.unit for u in self._engine.state if u.unit is not None and u.wanted}
        mine = [each for each in units.values() if each.spec.runtime == runtime.name]
        stale = {self._key_of(ref) for ref in await runtime.outdated(mine)}
        asleep = {u.key for u in self._units(change.service) if u.wanted and not u.live}
        services = sorted({key.service for key in stale | asleep if key is not None})
        for service in services:
            self.restart(Change(service, change.rule, change.paths, change.written_at, list(change.parts)))
        return bool(services)

    def _key_of(self, ref: Ref) -> UnitKey | None:
        return next((u.key for u in self._engine.state for i in u.live if i.ref == ref), None)

    async def _run_hook(self, change: Change) -> None:
        hook = change.rule.hook
        for unit, ref in self._live(change.service):
            if hook is not None and unit.unit is not None:
                await self._engine.runtimes[ref.runtime].run_hook(ref, unit.unit, hook, _COMMAND_LIMIT)

    def _units(self, service: str) -> tuple[UnitState, ...]:
        return self._engine.state.of_service(service)

    def _live(self, service: str) -> list[tuple[UnitState, Ref]]:
        return [(unit, i.ref) for unit in self._units(service) if unit.wanted for i in unit.live]

    def _named(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        app = self._engine.app
        top = app.directory if app is not None else "/"
        return tuple(os.path.relpath(path, top) for path in paths[:_NAMED])

    def _done(self, change: Change, note: str) -> None:
        c, rule, seconds = change, change.rule, max(0.0, time.time() - change.written_at)
        files, parts = self._named(c.paths), tuple(c.parts)
        self._engine.post(Reloaded(c.service, str(rule), rule.action, files, len(c.paths), seconds, parts, note))

    def _failed(self, change: Change, why: str, tail: tuple[str, ...]) -> None:
        c, rule = change, change.rule
        files, parts = self._named(c.paths), tuple(c.parts)
        self._engine.post(ReloadFailed(c.service, str(rule), rule.action, files, len(c.paths), why, tail, parts))


def batch_of(rule: WatchRule, paths: tuple[str, ...]) -> SyncBatch:
    """What is to be copied where, and what is gone."""
    copies, gone = [], []
    for path in paths:
        target = target_of(rule, path)
        if os.path.lexists(path):
            copies.append((path, target))
        else:
            gone.append(target)
    return SyncBatch(tuple(copies), tuple(gone))


def target_of(rule: WatchRule, path: str) -> str:
    """Where a file is in the container."""
    if path == rule.path:
        into = rule.target.endswith("/")
        return rule.target + os.path.basename(path) if into else rule.target
    return os.path.join(rule.target, os.path.relpath(path, rule.path))


def files_of(rule: WatchRule, meant: Filter) -> Iterator[str]:
    """Every file that a rule means."""
    if not os.path.isdir(rule.path):
        yield from [rule.path] if os.path.lexists(rule.path) else []
        return
    for folder, below, names in os.walk(rule.path):
        below[:] = [each for each in below if not meant.skips(os.path.join(folder, each))]
        yield from (path for name in names if meant.means(path := os.path.join(folder, name)))
