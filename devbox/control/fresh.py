"""Beginning afresh: services go with the data they keep, and are started again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from devbox.control.protocol import Command, Goal, Unmet, Verdict
from devbox.control.rows import keeps_data
from devbox.domain.container import MountKind
from devbox.domain.errors import StepError, UsageError
from devbox.domain.spec import AppSpec, ContainerRun, ServiceSpec
from devbox.domain.status import Intent
from devbox.engine.loop import Engine

Settle = Callable[[Collection[str], Command], Awaitable[Verdict]]
"""Waits until services are where they were asked to be."""


async def begin_afresh(engine: Engine, command: Command, settle: Settle) -> Verdict:
    """Take services away, delete their data, and start them again with what they need.

    Raises UsageError where one keeps no data, or not for itself alone: then nothing is touched.
    """
    app = engine.app
    if app is None or not command.services:
        raise UsageError("nothing is named that could begin afresh", hint="Name services; `devbox down -v` is for all.")
    specs = [spec for spec in app.services if spec.name in command.services]
    for spec in specs:
        _check(spec, app)
    removed = engine.intend(Intent.REMOVE, command.services, command.by)
    gone = await settle(removed, replace(command, goal=Goal.STARTED))
    if not gone.ok:
        return gone
    kept = [unmet for spec in specs if (unmet := await _clear(engine, spec)) is not None]
    began = await settle(engine.intend(Intent.RUN, command.services, command.by), command)
    return Verdict((*kept, *began.unmet))


async def _clear(engine: Engine, spec: ServiceSpec) -> Unmet | None:
    """Delete the data of a service of which nothing runs; why they are still there, if they are."""
    try:
        for unit in [known.unit for known in engine.state.of_service(spec.name) if known.unit is not None]:
            await engine.runtimes[unit.spec.runtime].clear_data(unit)
    except StepError as exc:
        return Unmet(spec.name, f"its data are still there: {exc.message}", (), exc.hint)
    return None


def _check(spec: ServiceSpec, app: AppSpec) -> None:
    if not keeps_data(spec):
        raise UsageError(f"{spec.name} keeps no data", hint=f"`devbox restart {spec.name}` is all it needs.")
    for other in app.services:
        if other.name != spec.name and (shared := _volumes(spec) & _volumes(other)):
            words = f"{spec.name} shares the volume {min(shared)} with {other.name}"
            raise UsageError(words, hint="`devbox down -v` deletes the data of all services.")


def _volumes(spec: ServiceSpec) -> frozenset[str]:
    """The named volumes of a service, by their keys."""
    mounts = spec.run.mounts if isinstance(spec.run, ContainerRun) else ()
    return frozenset(mount.source for mount in mounts if mount.kind is MountKind.VOLUME and mount.source)
