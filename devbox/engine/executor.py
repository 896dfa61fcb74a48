"""The hands: carries out steps, and reports what came of them as events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from devbox.domain.errors import DevboxError, StepError
from devbox.domain.event import Body, Progress, StepFailed, StepFinished
from devbox.domain.spec import Unit
from devbox.domain.status import Failure, FailureKind
from devbox.domain.step import Step
from devbox.runtimes.base import Runtime

Post = Callable[[Body, int], None]
"""Puts a fact into the engine's inbox, with the seq of the event that caused it (0: none)."""

log = logging.getLogger(__name__)


class Executor:
    """Runs steps side by side. Decides nothing: what may run now, the planner has said."""

    def __init__(self, runtimes: Mapping[str, Runtime], post: Post) -> None:
        self._runtimes = runtimes
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
            runtime = self._runtimes[step.ref.runtime if step.ref else _runtime_of(unit)]
            observed = await runtime.apply(step, unit, report)
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


def _runtime_of(unit: Unit | None) -> str:
    if unit is None:
        raise StepError(Failure(FailureKind.INTERNAL, "nothing says how to run it"))
    return unit.spec.runtime
