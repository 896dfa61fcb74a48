"""The loop: facts in, decisions made, steps started, views told. The only writer of the state."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from signal import Signals

from devbox.domain.errors import EngineUnavailable, UsageError
from devbox.domain.event import (
    Body,
    Event,
    InstanceGone,
    InstanceSeen,
    IntentChanged,
    Outdated,
    PauseChanged,
    RestartRequested,
    RuntimeReachable,
    Signalled,
    SpecApplied,
    StepStarted,
    SupervisorStarted,
    service_of,
)
from devbox.domain.graph import with_needs
from devbox.domain.instance import Observed, Outage, Ref
from devbox.domain.spec import AppSpec, Port, Unit, UnitKey
from devbox.domain.status import Hold, IllegalTransition, Intent
from devbox.domain.step import Plan
from devbox.engine.doors import Doors
from devbox.engine.executor import Executor
from devbox.engine.forms import Forms
from devbox.engine.health import Prober
from devbox.engine.journal import Journal
from devbox.engine.logs import LogStore
from devbox.engine.logs.room import Room
from devbox.engine.metrics import Recorder
from devbox.engine.overuse import Overuse
from devbox.engine.ports import PortBook
from devbox.engine.reach import note_outage, outage_of
from devbox.engine.reduce import reduce
from devbox.engine.relay import Relays
from devbox.engine.seed import Seeder
from devbox.plan.reconcile import Decision, next_deadline, reconcile
from devbox.plan.resolve import port_clash, resolve
from devbox.plan.state import State
from devbox.plan.verdict import Outcome, assess
from devbox.runtimes.base import Answering, Lost, Porter, Runtime

_LOOK_AGAIN_EVERY = 15.0
"""Seconds after which every runtime is asked what is there, so that a missed event heals by itself."""

_TAIL_KEPT = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the loop: what happened, and how the mesh stood before (`before`, `held`) and stands after it."""

    events: tuple[Event, ...]
    before: State
    held: Mapping[UnitKey, Hold]
    state: State
    decision: Decision


Listener = Callable[[Turn], None]


class Engine:
    """Keeps one mesh as its manifest says.

    Everything that happens enters by `post`. `listen` registers who is told of each turn; `state` and `decision` are
    how the mesh stands now.
    """

    def __init__(
        self,
        runtimes: Mapping[str, Runtime],
        makers: Mapping[str, Callable[[], Runtime]],
        journal: Journal,
        logs: LogStore,
        ports: PortBook,
        seeds: Path,
        clock: Callable[[], float] = time.time,
        porter: Porter | None = None,
        forms: Forms | None = None,
    ) -> None:
        self.runtimes = dict(runtimes)
        self._makers = makers
        self.journal, self.logs, self.ports = journal, logs, ports
        self.state = State(seq=journal.last_seq)
        self.decision = Decision(Plan(), {})
        self.app: AppSpec | None = None
        self.clock, self.forms = clock, forms or Forms()
        self._inbox: asyncio.Queue[tuple[Body, int]] = asyncio.Queue()
        self._listeners: list[Listener] = []
        self._doors = Doors(porter, self.runtimes, self.post) if porter is not None else None
        self._executor = Executor(self.runtimes, self.post, self._doors)
        self.prober = Prober(self.runtimes, logs, self.post, Seeder(self.runtimes, seeds, self.post))
        self.metrics = Recorder(self.runtimes)
        self.metrics.listen(Overuse(self.post).look)
        self.metrics.listen(Room(logs.folder, self.post).look)
        self._relays = Relays(self.runtimes)
        self._pumps: list[asyncio.Task[None]] = []
        self._adopted = asyncio.Event()
        self._caught_up = asyncio.Event()

    # --- what others call

    def post(self, body: Body, cause: int = 0) -> None:
        """Put a fact into the inbox; `cause` is the seq of the event that led to it."""
        self._caught_up.clear()
        self._inbox.put_nowait((body, cause))

    async def adopted(self) -> None:
        """Wait until what ran before this supervisor is known: to act sooner would be to act on an empty mesh."""
        await self._adopted.wait()

    async def caught_up(self) -> None:
        """Wait until everything posted so far is part of the state."""
        await self._caught_up.wait()

    async def doors_stand(self) -> None:
        """Wait until callers are let in wherever the state says that they are, for a while at most."""
        if self._doors is not None:
            await self._doors.stand()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` told of each turn from now on; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def apply(self, app: AppSpec) -> None:
        """Take over a manifest. What it leaves running and what it changes, the next turn decides.

        Raises UsageError when it cannot be as a whole, EngineUnavailable when a runtime it needs cannot be reached.
        """
        await self.adopted()
        app = self._with_own_port(self.forms.applied(app))
        for name in {service.runtime for service in app.services} - self.runtimes.keys():
            await self._add_runtime(name)
        for name in {service.runtime for service in app.services} & self.state.outages.keys():
            await self._welcome(self.runtimes[name])
        notes = [note for runtime in self.runtimes.values() for note in runtime.learn(app)]
        app = replace(app, notes=tuple(dict.fromkeys((*app.notes, *notes))))
        units = self._resolve(app)
        if clash := port_clash(units):
            first, second, port = clash
            words = f"{first.key.service} and {second.key.service} both publish port {port} of this machine"
            hint = f"Give one of them another port: {first.spec.origin} and {second.spec.origin}."
            raise UsageError(words, hint=hint)
        changed = self._changed(units)
        self.ports.save()
        self.app, self._relays.own_port = app, app.metrics_port
        self.post(SpecApplied(app.files, changed, units))

    def _with_own_port(self, app: AppSpec) -> AppSpec:
        """A manifest with the port for metrics that was asked for before, unless it brings another."""
        before = self.app.metrics_port if self.app is not None else None
        return replace(app, metrics_port=app.metrics_port or before)

    async def clear(self, *, volumes: bool) -> None:
        """Remove what runtimes made for the project besides its instances; with `volumes` its data too."""
        await asyncio.gather(*(runtime.clear(volumes=volumes) for runtime in self.runtimes.values()))

    def intend(
        self,
        intent: Intent,
        services: Collection[str],
        by: str,
        *,
        signal: str | None = None,
        grace: float | None = None,
    ) -> frozenset[str]:
        """Want services to run (with what they need), to stop or to go; the names of all whose intent this sets."""
        names = self.affected(services, with_dependencies=intent is Intent.RUN)
        listed = tuple(sorted(names)) if services else ()
        self.post(IntentChanged(intent, listed, by, signal, grace))
        return names

    def restart(self, services: Collection[str], by: str, *, grace: float | None = None) -> None:
        """Have services started afresh."""
        self.post(RestartRequested(tuple(services), by, grace))

    async def renew(self, services: Collection[str], by: str, *, force: bool = False) -> None:
        """Have instances made anew that would be made otherwise now; with `force` every one of these services."""
        await self.caught_up()
        units = [unit for unit in self.state if unit.key.service in services]
        why: dict[Ref, str] = {}
        for runtime in self.runtimes.values():
            mine = [u.unit for u in units if u.unit is not None and u.live and u.unit.spec.runtime == runtime.name]
            why |= {} if force else await runtime.outdated(mine)
        for unit in units:
            for instance in unit.instances:
                if force or instance.ref in why:
                    self.post(Outdated(instance.ref, unit.key, why.get(instance.ref) or f"{by} asked for a new one"))

    async def pause(self, services: Collection[str], by: str, *, paused: bool) -> None:
        """Freeze every live replica of services, or thaw it."""
        for unit in self.state:
            for instance in unit.live if unit.key.service in services else ():
                if instance.paused is not paused:
                    await self.runtimes[instance.ref.runtime].pause(instance.ref, paused=paused)
                    self.post(PauseChanged(instance.ref, unit.key, paused, by))

    async def signal(self, services: Collection[str], signal: Signals, by: str) -> None:
        """Send a signal to every live replica of services, now, whatever is under way with them."""
        for unit in self.state:
            for instance in unit.live if unit.key.service in services else ():
                await self.runtimes[instance.ref.runtime].signal(instance.ref, signal)
                self.post(Signalled(unit.key, signal.name, by))

    def affected(self, services: Collection[str], *, with_dependencies: bool) -> frozenset[str]:
        """The services meant by a list of names (none: all), with those they need if asked for."""
        if self.app is None:
            return frozenset(services) or self.state.services()
        needs = {service.name: [n.service for n in service.needs if n.required] for service in self.app.services}
        names = services or needs.keys()
        return with_needs(names, needs) if with_dependencies else frozenset(names)

    def outcome(self, services: Collection[str], *, ready: bool) -> Outcome:
        """How far services are on the way to what is wanted of them."""
        return assess(self.state, self.decision.holds, services, ready=ready, now=self.clock())

    def preview(self, app: AppSpec, services: Collection[str], by: str) -> Decision:
        """What taking over a manifest and starting services would do. Changes nothing."""
        seq, now = self.state.seq, self.clock()
        app = self._with_own_port(self.forms.applied(app))
        units = self._resolve(app)
        needs = {service.name: [n.service for n in service.needs] for service in app.services}
        names = tuple(sorted(with_needs(services or needs.keys(), needs)))
        state = reduce(self.state, Event(seq + 1, now, "", 0, SpecApplied(app.files, self._changed(units), units)))
        state = reduce(state, Event(seq + 2, now, "", seq + 1, IntentChanged(Intent.RUN, names, by)))
        return reconcile(state, now)

    # --- the loop

    async def run(self) -> None:
        """Run until cancelled. What runs then goes on running."""
        self.post(SupervisorStarted(os.getpid()))
        for runtime in self.runtimes.values():
            try:
                await self.look_again([runtime])
            except EngineUnavailable as exc:
                note_outage(self.state, outage_of(runtime.name, exc), self.post)
        self._turn(await self._gather())
        self._adopted.set()
        self.logs.start()
        self._pumps = [asyncio.create_task(self._pump(runtime)) for runtime in self.runtimes.values()]
        self._pumps.append(asyncio.create_task(self._look_again_now_and_then()))
        self._pumps.append(asyncio.create_task(self.metrics.run(lambda: self.state)))
        try:
            while True:
                self._turn(await self._gather())
        finally:
            await self._close()

    async def _add_runtime(self, name: str) -> None:
        """Take a runtime into service: what runs there already is known before anything is decided."""
        runtime = self._makers[name]()
        await self.look_again([runtime])
        await self.caught_up()
        self.runtimes[name] = runtime
        self._pumps.append(asyncio.create_task(self._pump(runtime)))

    async def look_again(self, runtimes: Collection[Runtime] | None = None) -> None:
        """Ask runtimes (None: every one) what is there, and post whatever is not as it is known."""
        known = {instance.ref: (unit.key, instance) for unit in self.state for instance in unit.instances}
        for runtime in self.runtimes.values() if runtimes is None else runtimes:
            seen = {instance.ref: instance for instance in await runtime.observe()}
            for ref, instance in seen.items():
                if ref not in known or known[ref][1] != instance:
                    self._post_change(instance)
            for ref, (key, _) in known.items():
                if ref.runtime == runtime.name and ref not in seen and self.state.units[key].step is None:
                    self.post(InstanceGone(ref, key))

    async def _gather(self) -> list[tuple[Body, int]]:
        """Everything in the inbox; waits for the first, but not beyond the next time that matters."""
        now = self.clock()
        deadline = next_deadline(self.state, now)
        first = None
        with contextlib.suppress(TimeoutError):
            limit = None if deadline is None else max(0.0, deadline - now)
            first = await asyncio.wait_for(self._inbox.get(), limit)
        batch = [first] if first is not None else []
        while not self._inbox.empty():
            batch.append(self._inbox.get_nowait())
        return batch

    def _turn(self, batch: list[tuple[Body, int]]) -> None:
        before, held = self.state, self.decision.holds
        events = [event for body, cause in batch if (event := self._accept(body, cause)) is not None]
        self.decision = reconcile(self.state, self.clock())
        for unwanted in self.decision.cancel:
            self._executor.cancel(unwanted)
        ready = self.decision.plan.ready()
        for step in ready:
            started = self._accept(StepStarted(step), step.event)
            if started is not None:
                events.append(started)
                self.logs.mark(step.key)
                self._executor.launch(step, self.state.units[step.key].unit, started.seq)
        if ready:
            self.decision = reconcile(self.state, self.clock())
        self.journal.append(events)
        self.logs.limit({key: it.unit.spec.log_limit if it.unit else None for key, it in self.state.units.items()})
        self.prober.follow(self.state)
        self._relays.follow(self.state)
        if self._doors is not None:
            self._doors.follow(before, self.state)
        turn = Turn(tuple(events), before, held, self.state, self.decision)
        for listener in list(self._listeners):
            listener(turn)
        if self._inbox.empty():
            self._caught_up.set()

    def _accept(self, body: Body, cause: int) -> Event | None:
        """Make an event of a fact and let it change the state."""
        event = Event(self.state.seq + 1, self.clock(), service_of(body), cause or self._cause_of(body), body)
        try:
            self.state = reduce(self.state, event)
        except IllegalTransition:
            log.exception("event %s does not fit the state and was left out", event)
            return None
        return event

    def _cause_of(self, body: Body) -> int:
        """What led to a fact that came without a cause: what last happened to the same replica."""
        key: UnitKey | None = getattr(body, "key", None)
        if isinstance(body, InstanceSeen):
            key = body.observed.key
        unit = self.state.units.get(key) if key is not None else None
        return unit.cause if unit is not None else 0

    # --- what comes in by itself

    async def _pump(self, runtime: Runtime) -> None:
        async for change in runtime.changes():
            match change:
                case Outage():
                    note_outage(self.state, change, self.post)
                case Answering():
                    with contextlib.suppress(EngineUnavailable):
                        await self._welcome(runtime)
                case _:
                    self._post_change(change)

    async def _welcome(self, runtime: Runtime) -> None:
        """Look at what is there again, now that the runtime answers. Raises EngineUnavailable where it does not."""
        await self.look_again([runtime])
        if runtime.name in self.state.outages:
            self.post(RuntimeReachable(runtime.name))
            await self.caught_up()

    def _post_change(self, change: Observed | Lost) -> None:
        if isinstance(change, Lost):
            self.post(InstanceGone(change.ref, change.key))
            return
        tail = () if change.alive else self.logs.tail(change.key, _TAIL_KEPT, since=change.started_at)
        self.post(InstanceSeen(change, tail))

    async def _look_again_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AGAIN_EVERY)
            try:
                await self.look_again()
            except Exception:
                log.exception("looking again failed; it is tried again in %s s", _LOOK_AGAIN_EVERY)

    async def _close(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self._executor.close()
        await self.prober.close()
        await self._relays.close()
        if self._doors is not None:
            await self._doors.close()
        await self.logs.close()
        for runtime in self.runtimes.values():
            await runtime.close()
        self.journal.close()

    # --- small things

    def _resolve(self, app: AppSpec) -> tuple[Unit, ...]:
        def publish(key: UnitKey, port: Port) -> int:
            known = self.state.units.get(key)
            return self.ports.publish(key, port, in_use=known is not None and bool(known.live))

        return resolve(app, publish)

    def _changed(self, units: Collection[Unit]) -> tuple[str, ...]:
        old = {key: known.unit for key, known in self.state.units.items()}
        now = {unit.key: unit for unit in units}
        names = {key.service for key in old.keys() | now.keys() if old.get(key) != now.get(key)}
        return tuple(sorted(names))
