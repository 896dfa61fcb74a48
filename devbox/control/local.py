"""The engine as a view sees it: rows, frames, commands. Lives in the supervisor; `control.server` serves it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import replace

from devbox.control.explain import explained
from devbox.control.exposition import exposition
from devbox.control.forms import switch_form
from devbox.control.fresh import begin_afresh
from devbox.control.masking import masked
from devbox.control.metrics_port import MetricsPort
from devbox.control.protocol import (
    Action,
    Bye,
    Changed,
    Command,
    Frame,
    Goal,
    Measured,
    OutagesChanged,
    PendingChange,
    PendingChanged,
    Placed,
    Recreate,
    Row,
    Snapshot,
    Unmet,
    Verdict,
    Why,
)
from devbox.control.rows import last_start, row_of
from devbox.domain.errors import EngineUnavailable, NotRunning, StepError, UsageError
from devbox.domain.instance import Sample
from devbox.domain.log import LogChunk, LogQuery
from devbox.domain.measure import MetricsHistory, ProbeResult
from devbox.domain.spec import AppSpec, ServiceSpec, UnitKey
from devbox.domain.status import Intent
from devbox.domain.step import Plan
from devbox.domain.timing import Timings
from devbox.engine.loop import Engine, Turn
from devbox.engine.reach import demand
from devbox.plan.state import UnitState

_QUEUE = 1000
"""Frames a subscriber may lag behind before it is given a new snapshot instead."""

_RECENT = 200
"""Events that a new subscriber is told of, so that it can say what has just happened."""

_ENDS_A_SERVICE = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT"})


class Subscription:
    """One subscriber's frames. It is never waited for: when it lags too far, it starts over from a snapshot."""

    def __init__(self, snapshot: Callable[[], Snapshot], *, measured: bool = False) -> None:
        self._snapshot, self.measured = snapshot, measured
        self._queue: asyncio.Queue[Frame] = asyncio.Queue(_QUEUE)
        self._lagging = False

    def offer(self, frame: Frame) -> None:
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            self._lagging = True

    async def frames(self) -> AsyncIterator[Frame]:
        while True:
            if self._lagging and self._queue.empty():
                self._lagging = False
                yield self._snapshot()
            frame = await self._queue.get()
            yield frame
            if isinstance(frame, Bye):
                return


class LocalControl:
    """What a supervisor offers, without the socket. `stop` is called when the supervisor shall end."""

    def __init__(self, engine: Engine, project: str, pid: int, stop: Callable[[str, bool], None]) -> None:
        self.engine, self.project, self._pid, self._stop = engine, project, pid, stop
        self._metrics_port = MetricsPort(self.exposition)
        self._subscribers: set[Subscription] = set()
        self._ending = ""
        self.pending: PendingChange | None = None
        self._saved: AppSpec | None = None
        engine.listen(self._on_turn)
        engine.metrics.listen(self._on_measured)

    # --- the mesh as a stream

    def snapshot(self, *, recent: int = 0) -> Snapshot:
        """The mesh as it stands, with the last `recent` events."""
        app = self.engine.app
        return Snapshot(
            seq=self.engine.state.seq,
            project=self.project,
            files=app.files if app else (),
            supervisor_pid=self._pid,
            rows=self._rows(self.engine.state.units.keys()),
            notes=app.notes if app else (),
            recent=self.engine.journal.since(self.engine.state.seq - recent),
            outages=tuple(self.engine.state.outages.values()),
            pending=self.pending,
        )

    async def state(self) -> Snapshot:
        """The mesh as it stands, once what ran before this supervisor is known."""
        await self.engine.adopted()
        return self.snapshot()

    async def frames(self, *, measure: bool = True) -> AsyncIterator[Frame]:
        """A snapshot, then whatever happens. With `measure`, what replicas use too."""
        await self.engine.adopted()
        subscription = Subscription(self.snapshot, measured=measure)
        subscription.offer(self.snapshot(recent=_RECENT))
        self._subscribers.add(subscription)
        if measure and self.engine.metrics.latest:
            subscription.offer(self._measured(self.engine.metrics.latest))
        try:
            async for frame in subscription.frames():
                yield frame
        finally:
            self._subscribers.discard(subscription)

    def logs(self, services: Collection[str], *, tail: int | None, follow: bool) -> AsyncIterator[LogChunk]:
        """Lines of services (none named: all), merged by time."""
        self._check(services)
        return self.engine.logs.read(services, tail=tail, follow=follow)

    def search(self, query: LogQuery, *, follow: bool = False) -> AsyncIterator[LogChunk]:
        """The lines of the whole history that a query asks for, merged by time."""
        self._check(query.services)
        return self.engine.logs.search(query, follow=follow)

    async def lines(self, service: str, replica: int, first: int, count: int, *, stream: str = "stdout") -> LogChunk:
        """Lines of one stream from line `first` on."""
        self._check([service])
        return self.engine.logs.lines(UnitKey(service, replica), stream, first, count)

    def say_bye(self, reason: str) -> None:
        """Tell every subscriber that the supervisor ends; those who follow logs get the last lines first."""
        self._metrics_port.close()
        self.engine.logs.finish()
        for subscription in self._subscribers:
            subscription.offer(Bye(reason))

    # --- a manifest that is saved while the mesh runs

    def saved(self, file: str, app: AppSpec | None, problems: tuple[str, ...] = ()) -> None:
        """A manifest was saved: what taking it over would do, or what is wrong with it, is told to every view."""
        plan = () if app is None else tuple(map(str, self._preview_of(app)))
        self._saved = app
        self._set_pending(PendingChange(file, plan, problems) if plan or problems else None)

    def _preview_of(self, app: AppSpec) -> Plan:
        return self.engine.preview(app, self._to_run(app), "a saved manifest").plan

    def _to_run(self, app: AppSpec) -> tuple[str, ...]:
        """The services of a saved manifest that are wanted: those that are new, and those that nobody stopped."""
        stopped = {u.key.service for u in self.engine.state if u.intent is not Intent.RUN}
        running = {u.key.service for u in self.engine.state if u.intent is Intent.RUN}
        return tuple(s.name for s in app.services if s.name in running or s.name not in stopped)

    def _set_pending(self, pending: PendingChange | None) -> None:
        if pending != self.pending:
            self.pending = pending
            for subscription in self._subscribers:
                subscription.offer(PendingChanged(pending))

    async def _follow(self, command: Command) -> Verdict:
        app = self._saved
        if app is None:
            raise UsageError("no change of the manifest waits to be taken over")
        self._saved = None
        self._set_pending(None)
        return await self.up(app, replace(command, action=Action.UP, services=self._to_run(app)))

    # --- commands

    async def up(self, app: AppSpec, command: Command) -> Verdict:
        """Take over a manifest, have services run, and wait for the command's goal."""
        self._refuse_while_ending()
        if command.recreate is Recreate.NEVER:
            app = self._with_what_runs(app)
        if command.alone:
            app = _without_needs(app, command.services)
        if app.metrics_port is not None:
            await self._metrics_port.open(app.metrics_port)
        await self.engine.apply(app)
        self._saved = None
        self._set_pending(None)
        self._check(command.services)
        if command.action is Action.APPLY:
            await self.engine.caught_up()
            return Verdict()
        if command.recreate is not Recreate.NEVER:
            asked = frozenset(command.services) or self.engine.affected((), with_dependencies=False)
            await self.engine.renew(asked, command.by, force=command.recreate is Recreate.ALWAYS)
        # A `down` may have come while this waited: nothing is started behind its back.
        self._refuse_while_ending()
        names = self.engine.intend(Intent.RUN, command.services, command.by)
        return await self._settle(names, command)

    def _with_what_runs(self, app: AppSpec) -> AppSpec:
        """The manifest with every service that runs as it was when it was started."""
        known = {unit.key.service for unit in self.engine.state if unit.live}
        old = {s.name: s for s in (self.engine.app.services if self.engine.app else ()) if s.name in known}
        return replace(app, services=tuple(old.get(s.name, s) for s in app.services))

    async def command(self, command: Command) -> Verdict:
        """Have something done, and wait for its goal."""
        if command.action is Action.DOWN:
            return await self._down(command)
        await self.engine.adopted()
        self._check(command.services)
        engine = self.engine
        self._refuse_while_ending()
        demand(engine.state, command.services)
        match command.action:
            case Action.UP | Action.START:
                if command.recreate is Recreate.ALWAYS:
                    asked = engine.affected(command.services, with_dependencies=False)
                    await engine.renew(asked, command.by, force=True)
                names = engine.intend(Intent.RUN, command.services, command.by)
            case Action.STOP:
                names = engine.intend(Intent.STOP, command.services, command.by, grace=command.grace)
            case Action.RESTART:
                engine.restart(command.services, command.by, grace=command.grace)
                names = engine.affected(command.services, with_dependencies=False)
            case Action.PAUSE | Action.UNPAUSE:
                named = engine.affected(command.services, with_dependencies=False)
                await engine.pause(named, command.by, paused=command.action is Action.PAUSE)
                return Verdict()
            case Action.FOLLOW:
                return await self._follow(command)
            case Action.FRESH:
                return await begin_afresh(engine, command, self._settle)
            case Action.SCALE:
                names = await self._scale(command)
            case Action.RUN_LOCAL | Action.RUN_CONTAINER:
                names = await switch_form(engine, command)
            case Action.REMOVE:
                names = engine.affected(command.services, with_dependencies=False)
                names = frozenset(n for n in names if all(unit.at_rest for unit in engine.state.of_service(n)))
                if names:
                    engine.intend(Intent.REMOVE, sorted(names), command.by)
            case Action.KILL:
                names = await self._kill(command)
                if not names:
                    return Verdict()
        return await self._settle(names, command)

    async def _kill(self, command: Command) -> frozenset[str]:
        name = (command.signal or "SIGKILL").upper()
        name = name if name.startswith("SIG") else f"SIG{name}"
        if name not in signal.Signals.__members__:
            raise UsageError(f"there is no signal {command.signal}", hint="For example: SIGKILL, SIGTERM, SIGHUP.")
        names = self.engine.affected(command.services, with_dependencies=False)
        if name in _ENDS_A_SERVICE:
            self.engine.intend(Intent.STOP, command.services, command.by, signal=name)
        await self.engine.signal(names, signal.Signals[name], command.by)
        return names if name in _ENDS_A_SERVICE else frozenset()

    async def _scale(self, command: Command) -> frozenset[str]:
        if self.engine.app is None:
            raise UsageError("nothing is up that could be scaled", hint="`devbox up` first.")
        counts = dict(command.scale)
        self._check(counts.keys())
        services = tuple(replace(s, replicas=counts.get(s.name, s.replicas)) for s in self.engine.app.services)
        await self.engine.apply(replace(self.engine.app, services=services))
        self._refuse_while_ending()
        return self.engine.intend(Intent.RUN, counts.keys(), command.by)

    async def _down(self, command: Command) -> Verdict:
        self._ending = command.by
        await self.engine.adopted()
        names = self.engine.intend(Intent.REMOVE, (), command.by, grace=command.grace, signal=command.signal)
        names |= self.engine.state.services()
        if command.signal == "SIGKILL":
            await self.engine.signal(names, signal.Signals.SIGKILL, command.by)
        verdict = await self._settle(names, command)
        if not verdict.ok:
            self._ending = ""
            return verdict
        # What the engine will not let go of is said; it is no reason to stay.
        try:
            await self.engine.clear(volumes=command.volumes)
        except StepError as exc:
            verdict = Verdict((Unmet("", exc.message, (), exc.hint),))
        except EngineUnavailable:
            self._ending = ""
            raise
        self._stop(command.by, command.volumes)
        return verdict

    async def _settle(self, services: Collection[str], command: Command) -> Verdict:
        """Wait until these services are where they were asked to be, or one cannot get there any more."""
        if command.goal is Goal.NOTHING:
            return Verdict()
        ready = command.goal is Goal.READY
        turned = asyncio.Event()
        quit_listening = self.engine.listen(lambda _: turned.set())
        try:
            async with asyncio.timeout(command.timeout):
                again: float | None = None
                while True:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(turned.wait(), again)
                    turned.clear()
                    outcome = self.engine.outcome(services, ready=ready)
                    if outcome.settled:
                        await self.engine.doors_stand()
                        return Verdict(tuple(Unmet(s.service, s.reason, s.tail, s.hint) for s in outcome.shortfalls))
                    at = outcome.look_again_at
                    again = None if at is None else max(0.0, at - self.engine.clock())
        except TimeoutError:
            pending = self.engine.outcome(services, ready=ready).pending
            return Verdict(tuple(self._late(name, command.timeout or 0.0) for name in dict.fromkeys(pending)))
        finally:
            quit_listening()

    def _late(self, service: str, limit: float) -> Unmet:
        row = next(row for row in self._rows(self.engine.state.units.keys()) if row.service == service)
        detail = row.note or row.probe_output or row.state
        key = UnitKey(service, row.replica)
        return Unmet(service, f"not there after {limit:g} s: {detail}", self.engine.logs.tail(key, 20))

    def placed(self, service: str, replica: int, *, secrets: bool = False) -> Placed:
        """What a replica shall be, with or without the secrets in it, and where it runs."""
        known = self._known(service, replica)
        unit, current = known.unit, known.current
        ref = current.ref if current is not None and current.alive else None
        return Placed(unit if secrets or unit is None else masked(unit), ref)

    def probes(self, service: str, replica: int = 1) -> tuple[ProbeResult, ...]:
        """The last probes of a replica's present life, oldest first."""
        return self.engine.prober.results(self._known(service, replica).key)

    def metrics(self, service: str, replica: int = 1) -> MetricsHistory:
        """What a replica used over the last quarter of an hour."""
        unit = self._known(service, replica)
        return replace(self.engine.metrics.history(unit.key), restarts=unit.restarts)

    def timings(self) -> Timings:
        """Where the seconds of the last start went."""
        return last_start(self._rows(self.engine.state.units.keys()), self.engine.journal.since(0))

    def exposition(self) -> str:
        """Every figure of every replica, in Prometheus' text format."""
        rows, latest = self._rows(self.engine.state.units.keys()), self.engine.metrics.latest
        return exposition(self.project, [(row, latest.get(UnitKey(row.service, row.replica))) for row in rows])

    async def why(self, service: str) -> Why:
        """How a service is, and the chain of causes that brought it there."""
        self._check([service])
        units = self.engine.state.of_service(service)
        worst = next((u for u in units if not u.ready), units[0])
        return explained(self.engine, worst, self._rows([worst.key])[0])

    # --- small things

    def _refuse_while_ending(self) -> None:
        if self._ending:
            raise NotRunning(f"{self.project} is going down ({self._ending})", hint="Wait a moment and try again.")

    def _known(self, service: str, replica: int) -> UnitState:
        self._check([service])
        known = self.engine.state.units.get(UnitKey(service, replica))
        if known is None:
            raise UsageError(f"{service} has no replica {replica}")
        return known

    def _check(self, services: Collection[str]) -> None:
        known = self.engine.state.services() | {s.name for s in (self.engine.app.services if self.engine.app else ())}
        for name in services:
            if name not in known:
                import difflib

                near = difflib.get_close_matches(name, known, 1)
                hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(known)) or 'none'}."
                raise UsageError(f"no such service: {name}", hint=hint)

    def _rows(self, keys: Collection[UnitKey]) -> tuple[Row, ...]:
        engine = self.engine
        counts: dict[str, int] = {}
        for key in engine.state.units:
            counts[key.service] = counts.get(key.service, 0) + 1
        return tuple(
            row_of(
                engine.state.units[key],
                engine.decision.holds.get(key),
                counts[key.service],
                engine.prober.last_output(key),
            )
            for key in keys
            if key in engine.state.units
        )

    def _on_turn(self, turn: Turn) -> None:
        if not self._subscribers:
            return
        units, holds = turn.state.units, turn.decision.holds
        changed = [k for k in units if turn.before.units.get(k) is not units[k] or turn.held.get(k) != holds.get(k)]
        if turn.before.outages != turn.state.outages:
            for subscription in self._subscribers:
                subscription.offer(OutagesChanged(tuple(turn.state.outages.values())))
        if turn.events or changed:
            gone = tuple(key for key in turn.before.units if key not in units)
            frame = Changed(turn.state.seq, turn.events, self._rows(changed), gone)
            for subscription in self._subscribers:
                subscription.offer(frame)

    def _on_measured(self, samples: Mapping[UnitKey, Sample]) -> None:
        if any(subscription.measured for subscription in self._subscribers):
            frame = self._measured(samples)
            for subscription in self._subscribers:
                if subscription.measured:
                    subscription.offer(frame)

    def _measured(self, samples: Mapping[UnitKey, Sample]) -> Measured:
        names = {UnitKey(row.service, row.replica): row.name for row in self._rows(samples.keys())}
        return Measured({names[key]: sample for key, sample in samples.items() if key in names})


def _without_needs(app: AppSpec, services: Collection[str]) -> AppSpec:
    """The manifest with these services (none: all) waiting for nobody who does not run anyway."""

    def alone(service: ServiceSpec) -> ServiceSpec:
        if services and service.name not in services:
            return service
        return replace(service, needs=tuple(replace(need, required=False) for need in service.needs))

    return replace(app, services=tuple(map(alone, app.services)))
