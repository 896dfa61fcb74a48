"""The hands: carries out steps, and reports what came of them as events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from devbox.domain.errors import DevboxError, StepError
from devbox.domain.event import Body, Progress, StepFailed, StepFinished
from devbox.domain.instance import Observed
from devbox.domain.spec import Unit
from devbox.domain.status import Failure, FailureKind
from devbox.domain.step import Op, Step
from devbox.runtimes.base import Report, Runtime

Post = Callable[[Body, int], None]
"""Puts a fact into the engine's inbox, with the seq of the event that caused it (0: none)."""

log = logging.getLogger(__name__)


class DoorSteps(Protocol):
    """What doors have to do with a step."""

    async def before_start(self, unit: Unit) -> None:
        """An instance of a replica is about to be started."""

    async def switch(self, step: Step) -> None:
        """Callers are to reach another instance."""

    async def before_stop(self, step: Step) -> None:
        """An instance is about to be stopped."""


class Executor:
    """Runs steps side by side. Decides nothing: what may run now, the planner has said."""

    def __init__(self, runtimes: Mapping[str, Runtime], post: Post, doors: DoorSteps | None = None) -> None:
        self._runtimes, self._doors = runtimes, doors
        self._post = post
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def launch(self, step: Step, unit: Unit | None, event: int) -> None:
        """Start a step; `event` is the seq of its StepStarted."""
        task = asyncio.create_task(self._run(step, unit, event), name=step.id)
        self._tasks[step.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(step.id, None))

    def cancel(self, step: str) -> None:
        """Give up a step that is no longer wanted."""
        if (task := self._tasks.get(step)) is not None:
            task.cancel()

    async def close(self) -> None:
        """Give up everything under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, step: Step, unit: Unit | None, event: int) -> None:
        def report(text: str, done: int | None, total: int | None) -> None:
            self._post(Progress(step.id, step.key, text, done, total), event)

        failure: Failure | None
        try:
            observed = await self._apply(step, unit, report)
        except asyncio.CancelledError:
            self._post(StepFailed(step.id, step.op, step.key, None), event)
            raise
        except StepError as exc:
            failure = exc.failure
        except DevboxError as exc:
            failure = Failure(FailureKind.ENGINE, exc.message, exc.hint)
        except Exception as exc:
            log.exception("step %s failed in a way nobody foresaw", step.id)
            failure = Failure(FailureKind.INTERNAL, f"devbox itself failed: {exc!r}", "Details are in supervisor.log.")
        else:
            self._post(StepFinished(step.id, step.op, step.key, observed), event)
            return
        self._post(StepFailed(step.id, step.op, step.key, failure), event)

    async def _apply(self, step: Step, unit: Unit | None, report: Report) -> Observed | None:
        if self._doors is not None and step.op is Op.START and unit is not None:
            await self._doors.before_start(unit)
        if self._doors is not None and step.op is Op.STOP:
            await self._doors.before_stop(step)
        name = _runtime_of(unit) if step.ref is None or step.op is Op.START else step.ref.runtime
        if unit is not None and unit.spec.runtime != name:
            # What it was before it was switched to another runtime.
            unit = None
        observed = await self._runtimes[name].apply(step, unit, report)
        if self._doors is not None and step.op is Op.SWITCH:
            await self._doors.switch(step)
        return observed


def _runtime_of(unit: Unit | None) -> str:
    if unit is None:
        raise StepError(Failure(FailureKind.INTERNAL, "nothing says how to run it"))
    return unit.spec.runtime
