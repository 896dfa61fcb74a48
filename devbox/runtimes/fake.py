"""A runtime without a machine: instances are entries in a dict. For tests, demonstrations and measurements.

It does what a real one does, at once: nothing is patched to use it, the engine is given it like any other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devbox.domain.container import Hook
from devbox.domain.errors import StepError
from devbox.domain.instance import Observed, Ref, Sample
from devbox.domain.spec import AppSpec, Unit, UnitKey
from devbox.domain.status import Failure
from devbox.domain.step import Op, Step
from devbox.runtimes.base import Change, ExecResult, LogFiles, Lost, Report, SyncBatch


@dataclass
class Script:
    """How the instances of one service behave.

    `fails` names operations that cannot be done, and why. `exit_code`, if given, is what each instance ends with as
    soon as it was started. `healthy` is what an exec probe finds.
    """

    fails: dict[Op, Failure] = field(default_factory=dict)
    exit_code: int | None = None
    healthy: bool = True


class FakeRuntime:
    """Runs nothing, and says so convincingly. `scripts` tells by service name what is to go wrong."""

    name = "process"

    def __init__(self, logs: Path, clock: Callable[[], float] = time.time) -> None:
        self.scripts: dict[str, Script] = {}
        self.instances: dict[Ref, Observed] = {}
        self._logs, self._clock = logs, clock
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._count = 0

    def learn(self, app: AppSpec) -> tuple[str, ...]:
        """Host processes have neither networks nor volumes."""
        return ()

    async def observe(self) -> tuple[Observed, ...]:
        return tuple(self.instances.values())

    async def apply(self, step: Step, unit: Unit | None, report: Report) -> Observed | None:
        script = self.scripts.get(step.key.service, Script())
        if failure := script.fails.get(step.op):
            raise StepError(failure)
        match step.op:
            case Op.START if unit is not None:
                if step.ref is not None:
                    self.instances.pop(step.ref, None)
                return self._start(unit, script)
            case Op.STOP if step.ref in self.instances:
                return self._dead(step.ref, signal=15)
            case Op.REMOVE if step.ref is not None:
                self.instances.pop(step.ref, None)
        return None

    async def changes(self) -> AsyncIterator[Change]:
        while True:
            yield await self._changes.get()

    async def signal(self, ref: Ref, signal: int) -> bool:
        if ref not in self.instances or not self.instances[ref].alive:
            return False
        self._changes.put_nowait(self._dead(ref, signal=signal))
        return True

    async def pause(self, ref: Ref, *, paused: bool) -> bool:
        if ref not in self.instances or not self.instances[ref].alive:
            return False
        self.instances[ref] = replace(self.instances[ref], paused=paused)
        return True

    async def outdated(self, units: Collection[Unit]) -> Mapping[Ref, str]:
        return {}

    async def gateway(self) -> str | None:
        return None

    async def execute(self, ref: Ref, unit: Unit, argv: tuple[str, ...], limit: float) -> ExecResult:
        healthy = self.scripts.get(unit.key.service, Script()).healthy
        return ExecResult(0 if healthy else 1, "well" if healthy else "not well")

    async def sync(self, ref: Ref, unit: Unit, batch: SyncBatch) -> tuple[str, ...]:
        return ()

    async def rebuild(self, unit: Unit, report: Report) -> None:
        """There is nothing to build."""

    async def run_hook(self, ref: Ref, unit: Unit, hook: Hook, limit: float) -> None:
        """Every command ends well."""

    async def data_mark(self, ref: Ref, unit: Unit) -> str:
        """Data that last as long as nobody clears them."""
        return unit.key.service

    def logs(self, key: UnitKey) -> LogFiles:
        return LogFiles(self._logs / f"{key}.stdout", self._logs / f"{key}.stderr")

    async def stats(self, refs: Collection[Ref]) -> Mapping[Ref, Sample]:
        return {ref: Sample(cpu=1.0, memory=1 << 20) for ref in refs if ref in self.instances}

    async def clear_data(self, unit: Unit) -> None:
        """There are no data."""

    async def clear(self, *, volumes: bool) -> None:
        """Host processes leave nothing but files, which go with the project's directory."""

    async def close(self) -> None:
        """Nothing to let go of."""

    def end(self, ref: Ref, exit_code: int) -> None:
        """Have an instance end by itself."""
        self._changes.put_nowait(self._dead(ref, exit_code=exit_code))

    def lose(self, ref: Ref) -> None:
        """Have an instance disappear, as if somebody else had removed it."""
        gone = self.instances.pop(ref)
        self._changes.put_nowait(Lost(ref, gone.key))

    def _start(self, unit: Unit, script: Script) -> Observed:
        self._count += 1
        ref = Ref(self.name, f"{unit.key}.{self._count}")
        seen = Observed(ref, unit.key, unit.fingerprint, alive=True, started_at=self._clock(), pid=self._count)
        self.instances[ref] = seen
        if script.exit_code is not None:
            self.end(ref, script.exit_code)
        return seen

    def _dead(self, ref: Ref, *, exit_code: int | None = None, signal: int | None = None) -> Observed:
        seen = self.instances[ref]
        if seen.alive:
            seen = replace(seen, alive=False, finished_at=self._clock(), exit_code=exit_code, signal=signal)
            self.instances[ref] = seen
        return seen
