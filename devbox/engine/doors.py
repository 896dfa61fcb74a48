"""The mesh's doors: which there shall be, where each leads, and what comes of somebody who knocks.

The porter holds them; this follows the state and tells it what it does not know yet. Names of doors are a replica and
the target of one of its ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass

from devbox.domain.doors import has_door
from devbox.domain.errors import DevboxError, StepError
from devbox.domain.event import OldOneServes, Slept, Woken
from devbox.domain.instance import Observed, Ref
from devbox.domain.spec import Port, Unit, UnitKey
from devbox.domain.status import Failure, FailureKind, Health, Phase
from devbox.domain.step import Op, Step
from devbox.engine.executor import Post
from devbox.plan.state import State, UnitState
from devbox.runtimes.base import DoorTarget, Porter, Runtime

_DRAIN_LIMIT = 5.0
"""Seconds that connections to an old instance get to end, before it is stopped with those that are left."""

_SAYS_SO_WITHIN = 3.0
"""Seconds within which every door of a quiet replica has said so."""

_TRY_AGAIN_AFTER = 1.0

_STAND_WITHIN = 5.0
"""Seconds that a command waits for doors to stand; where the porter cannot have them, it tries again and again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One door as it shall be."""

    host: str
    port: int
    target: DoorTarget


class Doors:
    """Keeps the porter's doors as the state of the mesh asks for."""

    def __init__(self, porter: Porter, runtimes: Mapping[str, Runtime], post: Post) -> None:
        self._porter, self._runtimes, self._post = porter, runtimes, post
        self._state = State()
        self._wanted: dict[str, _Wanted] = {}
        self._told: dict[str, _Wanted | None] | None = None
        self._quiet: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._standing = asyncio.Event()
        self._standing.set()
        self._busy = asyncio.Lock()
        self._work: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        porter.on_knock, porter.on_idle, porter.on_lost = self._knocked, self._idle, self._lost

    # --- what the loop calls

    def follow(self, before: State, state: State) -> None:
        """Have exactly the doors that the mesh needs now."""
        self._state = state
        for unit in state:
            known = before.units.get(unit.key)
            if unit.rejected is not None and (known is None or known.rejected is not unit.rejected):
                self._post(OldOneServes(unit.key, unit.rejected.why), unit.rejected.event)
        wanted = {name: door for unit in state for name, door in self._doors_of(unit)}
        if wanted != self._wanted or self._work is None:
            self._wanted = wanted
            self._standing.clear()
            self._changed.set()
        if self._work is None:
            self._work = asyncio.create_task(self._tell())

    async def stand(self) -> None:
        """Wait until every door stands that the mesh needs now, for a while at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._standing.wait(), _STAND_WITHIN)

    async def close(self) -> None:
        """Let go of the porter; it ends where there is no door any more."""
        if self._work is not None:
            self._work.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *([self._work] if self._work else []), return_exceptions=True)
        for name in (self._told or {}).keys() - self._wanted.keys():
            await self._close_door(name)
        await self._porter.close(quit_porter=not self._wanted)

    # --- what the executor calls

    async def before_start(self, unit: Unit) -> None:
        """Have the doors of a replica that is about to start, or none where it will hold its ports itself."""
        async with self._busy:
            told = await self._adopt()
            for port in unit.spec.ports:
                name = _name(unit.key, port)
                if has_door(unit.spec):
                    await self._porter.open(name, port.host, port.published or port.target)
                elif name in told:
                    await self._close_door(name)

    async def switch(self, step: Step) -> None:
        """Lead callers to another instance. Raises StepError where there is none."""
        unit = self._state.units.get(step.key)
        new = next((i for i in unit.live if i.ref == step.ref), None) if unit is not None else None
        if unit is None or unit.unit is None or new is None:
            raise StepError(Failure(FailureKind.INTERNAL, "the new one is no longer there"))
        async with self._busy:
            for name, door in _doors(unit.unit, new, asleep=False):
                self._wanted[name] = door
                await self._tell_one(name, door)

    async def before_stop(self, step: Step) -> None:
        """Let connections to an instance end that is to be stopped, where callers have somebody else to go to."""
        unit = self._state.units.get(step.key)
        if step.ref is None or unit is None or not unit.wanted or unit.current is None or not unit.current.alive:
            return
        old = next((i for i in unit.instances if i.ref == step.ref), None)
        if old is None or not old.private or unit.current.ref == step.ref:
            return
        try:
            cut = await self._porter.drain(str(step.ref), _DRAIN_LIMIT)
        except DevboxError as exc:
            log.warning("connections to %s did not end by themselves: %s", step.ref, exc.message)
            return
        if cut:
            log.info("%s connections to %s did not end in %s s and were cut", cut, step.ref, _DRAIN_LIMIT)

    # --- telling the porter

    def _doors_of(self, unit: UnitState) -> list[tuple[str, _Wanted]]:
        if unit.unit is None or not has_door(unit.unit.spec) or not (unit.wanted or unit.live):
            return []
        if unit.step is not None and unit.step.op is Op.SWITCH:
            mine = [_name(unit.key, port) for port in unit.unit.spec.ports]
            return [(name, self._wanted[name]) for name in mine if name in self._wanted]
        current = unit.current if unit.live else None
        return _doors(unit.unit, current, asleep=unit.asleep or _wakes(unit))

    async def _tell(self) -> None:
        """Bring the porter to what is wanted, again and again."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                async with self._busy:
                    await self._tell_all()
                if not self._changed.is_set():
                    self._standing.set()
            except DevboxError as exc:
                log.warning("doors: %s", exc.message)
                await asyncio.sleep(_TRY_AGAIN_AFTER)
                self._changed.set()

    async def _adopt(self) -> dict[str, _Wanted | None]:
        """The doors there are, with what the porter was told of each; None for those that others left."""
        if self._told is None:
            self._told = dict.fromkeys(await self._porter.names())
        return self._told

    async def _tell_all(self) -> None:
        told = await self._adopt()
        if not self._manifest_known():
            return
        for name in told.keys() - self._wanted.keys():
            await self._close_door(name)
        for name, door in list(self._wanted.items()):
            if told.get(name) != door:
                await self._tell_one(name, door)

    def _manifest_known(self) -> bool:
        """A new supervisor knows instances before it knows what they shall be; until then every door stays."""
        return all(unit.unit is not None or not unit.live for unit in self._state)

    async def _tell_one(self, name: str, door: _Wanted) -> None:
        await self._porter.open(name, door.host, door.port)
        await self._porter.point(name, door.target)
        (await self._adopt())[name] = door

    async def _close_door(self, name: str) -> None:
        await self._porter.close_door(name)
        (await self._adopt()).pop(name, None)

    # --- what the porter tells

    def _lost(self) -> None:
        self._told = None
        self._standing.clear()
        self._changed.set()

    def _knocked(self, name: str) -> None:
        unit = self._at(name)
        if unit is None or not unit.wanted:
            return
        if unit.asleep or unit.phase in (Phase.FAILED, Phase.COMPLETED):
            self._soon(self._wake(unit))

    async def _wake(self, unit: UnitState) -> None:
        for instance in unit.live:
            if instance.paused:
                await self._runtimes[instance.ref.runtime].pause(instance.ref, paused=False)
        self._post(Woken(unit.key, "a connection came"), 0)

    def _idle(self, name: str, instance: str, seconds: float) -> None:
        unit = self._at(name)
        current = unit.current if unit is not None else None
        if unit is None or current is None or not unit.ready or unit.step is not None or unit.successor is not None:
            return
        now = self._quiet[name] = asyncio.get_running_loop().time()
        doors = [_name(unit.key, port) for port in unit.unit.spec.ports] if unit.unit else []
        quiet = all(now - self._quiet.get(each, 0.0) <= _SAYS_SO_WITHIN for each in doors)
        if quiet and unit.on_demand and not unit.asleep and str(current.ref) == instance:
            self._soon(self._put_to_sleep(unit.key, current.ref, seconds))

    async def _put_to_sleep(self, key: UnitKey, ref: Ref, seconds: float) -> None:
        if await self._runtimes[ref.runtime].pause(ref, paused=True):
            self._post(Slept(key, ref, f"nobody came for {seconds:.0f} s"), 0)

    def _at(self, name: str) -> UnitState | None:
        for unit in self._state:
            if unit.unit is not None and name in [_name(unit.key, port) for port in unit.unit.spec.ports]:
                return unit
        return None

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _wakes(unit: UnitState) -> bool:
    """Whether somebody who comes now is held until it is ready."""
    on_its_way = not unit.live or (unit.phase is Phase.RUNNING and unit.health is Health.STARTING)
    return unit.on_demand and unit.wanted and on_its_way


def _name(key: UnitKey, port: Port) -> str:
    return f"{key}:{port.target}"


def _doors(unit: Unit, instance: Observed | None, *, asleep: bool) -> list[tuple[str, _Wanted]]:
    """The doors of a replica with an instance behind them."""
    private = dict(instance.private) if instance is not None else {}
    found = []
    for port in unit.spec.ports:
        behind = private.get(port.target)
        idle = unit.spec.on_demand.idle_timeout if unit.spec.on_demand is not None else None
        target = DoorTarget(asleep=asleep)
        if instance is not None and behind is not None:
            target = DoorTarget(str(instance.ref), behind, asleep, idle)
        found.append((_name(unit.key, port), _Wanted(port.host, port.published or port.target, target)))
    return found
