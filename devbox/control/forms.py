"""Switching services between a container and a process of this machine."""

from __future__ import annotations

from devbox.control.protocol import Action, Command
from devbox.domain.errors import UsageError
from devbox.domain.local import LocalRun, unknown
from devbox.domain.spec import AppSpec, ProcessRun, ServiceSpec
from devbox.domain.status import Intent
from devbox.engine.loop import Engine


async def switch_form(engine: Engine, command: Command) -> frozenset[str]:
    """Have services run in their other form; the names of all that this sets going.

    Whoever refers to them has the reference rewritten, and is started anew where that changed it. Raises UsageError
    for a service that has only one form.
    """
    if engine.app is None:
        raise UsageError("nothing is up that could be switched", hint="`devbox up` first.")
    run = (command.local or LocalRun()) if command.action is Action.RUN_LOCAL else None
    for service in engine.app.services:
        if service.name in command.services:
            _check(engine, service, run)
    _check_references(engine.app, run)
    engine.forms.choose(command.services, run)
    await engine.apply(engine.app)
    return engine.intend(Intent.RUN, command.services, command.by)


def _check(engine: Engine, service: ServiceSpec, run: LocalRun | None) -> None:
    if service.other is not None or (run is not None and run.argv):
        return
    if run is not None and isinstance(service.run, ProcessRun) and (run.env or engine.forms.chosen(service.name)):
        return
    hint = f"Say which: `devbox run-local {service.name} -- COMMAND`, or give it a `local: {{command: ...}}`."
    if isinstance(service.run, ProcessRun):
        hint = "It is a process of this machine; `devbox run-local` can give it another command."
    raise UsageError(f"{service.name} can run in one way only", hint=hint)


def _check_references(app: AppSpec, run: LocalRun | None) -> None:
    if run is not None and (found := unknown(run, app.services)) is not None:
        target = next((each for each in app.services if each.name == found.service), None)
        hint = f"It exports {', '.join(target.exported) or 'nothing'}." if target else ""
        raise UsageError(f"{found} is nothing that a service of this mesh exports", hint=hint)
