"""The runtime of host processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal as signals
import time
import uuid
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path

import psutil

from devbox.domain.container import Hook
from devbox.domain.doors import has_door
from devbox.domain.errors import StepError
from devbox.domain.instance import Observed, Ref, Sample
from devbox.domain.places import Places
from devbox.domain.spec import AppSpec, ProcessRun, Unit, UnitKey
from devbox.domain.status import Failure, FailureKind
from devbox.domain.step import Op, Step
from devbox.runtimes.base import Change, ExecResult, LogFiles, Lost, Report, SyncBatch
from devbox.runtimes.process import launch, ports
from devbox.runtimes.process.commands import run_command
from devbox.runtimes.process.link import KeeperLink, KeeperRefused, Record
from devbox.runtimes.process.memory import MemoryGroups
from devbox.runtimes.process.usage import Usage

_KILL_LIMIT = 10.0
"""Seconds within which a process that got SIGKILL must be gone."""

_INIT_LIMIT = 120.0
_CRASH_GRACE = 0.5
"""Seconds that the children of a process which ended by itself get to end too."""


class ProcessRuntime:
    """Runs units whose `run` is a ProcessRun, each in a session and process group of its own."""

    name = "process"

    def __init__(self, places: Places, environ: Mapping[str, str]) -> None:
        self._places = places
        self._environ = dict(environ)
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._ends: dict[str, asyncio.Future[Observed]] = {}
        self._known: dict[str, Observed] = {}
        self._clean: set[str] = set()
        self._usage = Usage()
        self._memory = MemoryGroups(places.run / "memory")
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeper = KeeperLink(
            places.keeper_socket,
            places.records,
            places.run / "keeper.log",
            on_exit=self._exited,
            on_reconnect=self._keeper_died,
        )

    def learn(self, app: AppSpec) -> tuple[str, ...]:
        """Host processes have neither networks nor volumes."""
        return ()

    async def observe(self) -> tuple[Observed, ...]:
        records = (await self._keeper.request("list"))["records"]
        seen = tuple(_as_it_stands(self._observed(record)) for record in records)
        self._known = {instance.ref.id: instance for instance in seen}
        return seen

    async def apply(self, step: Step, unit: Unit | None, report: Report) -> Observed | None:
        match step.op:
            case Op.PREPARE if unit is not None:
                await self._prepare(step, unit, report)
            case Op.START if unit is not None:
                started = await self._start(unit)
                if step.ref is not None:
                    await self._forget(step.ref)
                return started
            case Op.STOP if step.ref is not None:
                return await self._stop(step, unit)
            case Op.REMOVE if step.ref is not None:
                await self._forget(step.ref)
        return None

    async def changes(self) -> AsyncIterator[Change]:
        while True:
            yield await self._changes.get()

    async def signal(self, ref: Ref, signal: int) -> bool:
        return bool((await self._keeper.request("signal", id=ref.id, signal=signal))["sent"])

    async def pause(self, ref: Ref, *, paused: bool) -> bool:
        if not await self.signal(ref, signals.SIGSTOP if paused else signals.SIGCONT):
            return False
        self._known[ref.id] = replace(self._known[ref.id], paused=paused)
        return True

    async def outdated(self, units: Collection[Unit]) -> Mapping[Ref, str]:
        return {}

    async def gateway(self) -> str | None:
        return None

    async def execute(self, ref: Ref, unit: Unit, argv: tuple[str, ...], limit: float) -> ExecResult:
        known = self._known.get(ref.id)
        env = launch.environment(unit.at(known.private if known else ()), self._environ, self._places.project)
        return await run_command(argv, env=env, cwd=_process(unit).working_dir, limit=limit)

    async def sync(self, ref: Ref, unit: Unit, batch: SyncBatch) -> tuple[str, ...]:
        """Host processes read the files themselves; the manifest refuses rules that would sync."""
        return ()

    async def rebuild(self, unit: Unit, report: Report) -> None:
        """Host processes are made of nothing that could be built."""

    async def run_hook(self, ref: Ref, unit: Unit, hook: Hook, limit: float) -> None:
        env = {**launch.environment(unit, self._environ, self._places.project), **dict(hook.environment)}
        cwd = os.path.join(_process(unit).working_dir, hook.working_dir)
        result = await run_command(hook.command, env=env, cwd=cwd, limit=limit)
        if result.exit_code != 0:
            ending = f"took longer than {limit:g} s" if result.exit_code is None else f"exited with {result.exit_code}"
            tail = tuple(result.output.splitlines()[-20:])
            raise StepError(Failure(FailureKind.EXITED, f"{hook.command[0]} {ending}", tail=tail))

    async def data_mark(self, ref: Ref, unit: Unit) -> str:
        folder = _process(unit).data_dir
        return await asyncio.to_thread(launch.data_mark, folder) if folder is not None else ref.id

    def logs(self, key: UnitKey) -> LogFiles:
        folder = self._places.logs
        return LogFiles(folder / f"{key}.stdout", folder / f"{key}.stderr")

    async def stats(self, refs: Collection[Ref]) -> Mapping[Ref, Sample]:
        pids = {ref: self._known[ref.id].pid for ref in refs if ref.id in self._known and self._known[ref.id].alive}
        alive = {ref: pid for ref, pid in pids.items() if pid is not None}
        samples = await asyncio.to_thread(self._usage.measure, alive)
        return {ref: replace(each, memory_limit=self._memory.limit(ref.id)) for ref, each in samples.items()}

    async def clear_data(self, unit: Unit) -> None:
        folder = _process(unit).data_dir
        if folder is None:
            return
        try:
            await asyncio.to_thread(shutil.rmtree, folder)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise StepError(Failure(FailureKind.ENGINE, f"{exc.filename}: {exc.strerror}")) from exc

    async def clear(self, *, volumes: bool) -> None:
        """Host processes leave nothing but files, which go with the project's directory."""

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._keeper.close(quit_keeper=not any(instance.alive for instance in self._known.values()))

    # --- steps

    async def _prepare(self, step: Step, unit: Unit, report: Report) -> None:
        run, env = _process(unit), launch.environment(unit, self._environ, self._places.project)
        _argv_or_raise(run, env)
        launch.ensure_data_dir(run)
        # What runs still holds its ports; those behind a door are nobody's but the door's.
        free = step.beside or has_door(unit.spec) or await self._runs_already(unit)
        if not free and (failure := ports.taken(unit.spec.ports)):
            raise StepError(failure)
        for command in run.init:
            if not await asyncio.to_thread(os.path.exists, command.creates):
                argv = tuple(map(str, command.argv))
                report(f"making fresh data: {os.path.basename(argv[0])}", None, None)
                await self._initialise(unit, launch.as_somebody_else(run, argv), env)

    async def _runs_already(self, unit: Unit) -> bool:
        return any(known.alive and known.key == unit.key for known in self._known.values())

    async def _initialise(self, unit: Unit, argv: tuple[str, ...], env: Mapping[str, str]) -> None:
        result = await run_command(argv, env=env, cwd=_process(unit).working_dir, limit=_INIT_LIMIT)
        await asyncio.to_thread(_append, self.logs(unit.key).stdout, result.output)
        if result.exit_code != 0:
            ending = "took too long" if result.exit_code is None else f"exited with {result.exit_code}"
            tail = tuple(result.output.splitlines()[-20:])
            raise StepError(Failure(FailureKind.INIT_FAILED, f"making fresh data: {argv[0]} {ending}", tail=tail))

    async def _start(self, unit: Unit) -> Observed:
        private = self._private_ports(unit)
        unit = unit.at(private)
        run, env = _process(unit), launch.environment(unit, self._environ, self._places.project)
        argv = launch.as_somebody_else(run, _argv_or_raise(run, env))
        if failure := ports.taken(unit.spec.ports):
            raise StepError(failure)
        files = self.logs(unit.key)
        files.stdout.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            # The keeper must not start a process that nobody then hears of.
            reply = await asyncio.shield(
                self._keeper.request(
                    "spawn",
                    id=f"{unit.key}.{uuid.uuid4().hex[:8]}",
                    argv=argv,
                    env=env,
                    cwd=run.working_dir,
                    stdout=str(files.stdout),
                    stderr=str(files.stderr),
                    record={**_description(unit), "private": private},
                )
            )
        except KeeperRefused as exc:
            raise StepError(_refusal(argv, exc)) from exc
        started = self._remember(self._observed(reply["record"]))
        if run.memory is not None and started.pid is not None:
            await asyncio.to_thread(self._memory.hold, started.ref.id, started.pid, run.memory)
        return started

    def _private_ports(self, unit: Unit) -> tuple[tuple[int, int], ...]:
        """Ports on loopback for a new instance that stands behind a door; none for any other."""
        if not has_door(unit.spec):
            return ()
        taken = {number for known in self._known.values() if known.alive for _, number in known.private}
        found = ports.private(len(unit.spec.ports), taken)
        return tuple(zip((port.target for port in unit.spec.ports), found, strict=True))

    async def _stop(self, step: Step, unit: Unit | None) -> Observed | None:
        ref = step.ref
        known = self._known.get(ref.id) if ref else None
        if ref is None or known is None or not known.alive:
            return known
        number = _signal_number(step.signal or (unit.spec.stop.signal if unit else "SIGTERM"))
        grace = step.grace if step.grace is not None else (unit.spec.stop.grace if unit else 10.0)
        deadline = time.monotonic() + grace
        ended = await self._end(ref, number, grace)
        if ended is None:
            ended = await self._end(ref, signals.SIGKILL, _KILL_LIMIT)
        if ended is None:
            raise StepError(Failure(FailureKind.INTERNAL, f"pid {known.pid} is still there after SIGKILL"))
        await self._sweep(ref, number, max(0.0, deadline - time.monotonic()))
        return ended

    async def _end(self, ref: Ref, number: int, limit: float) -> Observed | None:
        """Signal an instance and wait `limit` seconds for its end; None when it did not come."""
        if not self._known[ref.id].alive:
            return self._known[ref.id]
        end = self._ends.setdefault(ref.id, asyncio.get_running_loop().create_future())
        await self.signal(ref, number)
        if self._known[ref.id].paused:
            # A frozen process gets its signal only once it goes on.
            await self.signal(ref, signals.SIGCONT)
        if limit <= 0 and number != signals.SIGKILL:
            return None
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(end), limit)
        return None

    async def _sweep(self, ref: Ref, number: int, grace: float) -> None:
        if ref.id in self._clean:
            return
        await self._keeper.request("sweep", id=ref.id, signal=number, grace=grace, limit=grace + _KILL_LIMIT)

    async def _forget(self, ref: Ref) -> None:
        await self._keeper.request("forget", id=ref.id)
        self._known.pop(ref.id, None)
        self._clean.discard(ref.id)
        self._memory.forget(ref.id)

    # --- what happens by itself

    def _observed(self, record: Record) -> Observed:
        seen = _observed(record)
        ran_out = not seen.alive and not seen.succeeded and self._memory.ran_out(seen.ref.id)
        return replace(seen, oom=True) if ran_out else seen

    def _remember(self, seen: Observed) -> Observed:
        before = self._known.get(seen.ref.id)
        if before is not None and not before.alive:
            return before
        self._known[seen.ref.id] = seen
        return seen

    def _exited(self, record: Record, clean: bool) -> None:
        if clean:
            self._clean.add(record["id"])
        seen = self._remember(self._observed(record))
        end = self._ends.pop(seen.ref.id, None)
        if end is not None and not end.done():
            end.set_result(seen)
            return
        self._spawn_task(self._clear_away(seen))

    async def _clear_away(self, seen: Observed) -> None:
        """A process ended by itself: what it left behind goes too, before anybody starts the next one."""
        await self._sweep(seen.ref, signals.SIGTERM, _CRASH_GRACE)
        self._changes.put_nowait(seen)

    def _keeper_died(self) -> None:
        self._spawn_task(self._look_again())

    async def _look_again(self) -> None:
        before = self._known
        for seen in await self.observe():
            if not seen.alive and before.get(seen.ref.id, seen).alive:
                self._exited_unseen(seen)
        for gone in before.keys() - self._known.keys():
            self._changes.put_nowait(Lost(before[gone].ref, before[gone].key))

    def _exited_unseen(self, seen: Observed) -> None:
        end = self._ends.pop(seen.ref.id, None)
        if end is not None and not end.done():
            end.set_result(seen)
        self._changes.put_nowait(seen)

    def _spawn_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _process(unit: Unit) -> ProcessRun:
    if not isinstance(unit.spec.run, ProcessRun):
        raise TypeError(f"{unit.key} is no host process")
    return unit.spec.run


def _argv_or_raise(run: ProcessRun, env: Mapping[str, str]) -> tuple[str, ...]:
    argv = launch.program(run, env)
    if isinstance(argv, Failure):
        raise StepError(argv)
    return argv


def _description(unit: Unit) -> Record:
    return {"service": unit.key.service, "replica": unit.key.replica, "fingerprint": unit.fingerprint}


def _observed(record: Record) -> Observed:
    return Observed(
        ref=Ref("process", record["id"]),
        key=UnitKey(record["service"], record["replica"]),
        fingerprint=record["fingerprint"],
        alive=record["finished_at"] is None,
        started_at=record["started_at"],
        finished_at=record["finished_at"],
        pid=record["pid"],
        exit_code=record["exit_code"],
        signal=record["signal"],
        private=tuple((target, number) for target, number in record.get("private", ())),
    )


def _as_it_stands(seen: Observed) -> Observed:
    """With what no record tells: whether it is frozen."""
    if not seen.alive or seen.pid is None:
        return seen
    try:
        return replace(seen, paused=psutil.Process(seen.pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return seen


def _refusal(argv: tuple[str, ...], exc: KeeperRefused) -> Failure:
    message = f"cannot start {argv[0]}: {exc}"
    return Failure(FailureKind.NOT_EXECUTABLE, f"{message} ({exc.path})" if exc.path else message)


def _signal_number(name: str) -> int:
    """SIGTERM, TERM or 15 as a number. Raises StepError for what is no signal."""
    if name.isdigit():
        return int(name)
    full = name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}"
    try:
        return int(signals.Signals[full])
    except KeyError:
        raise StepError(Failure(FailureKind.INTERNAL, f"there is no signal {name}")) from None


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text if not text or text.endswith("\n") else f"{text}\n")
