"""Switching services between a container and a process of this machine."""

from __future__ import annotations

from devbox.control.protocol import Action, Command
from devbox.domain.errors import UsageError
from devbox.domain.status import Intent
from devbox.engine.loop import Engine


async def switch_form(engine: Engine, command: Command) -> frozenset[str]:
    """Have services run in their other form; the names of all that this sets going.

    Whoever refers to them has the reference rewritten, and is started anew where that changed it. Raises UsageError
    for a service that has only one form.
    """
    if engine.app is None:
        raise UsageError("nothing is up that could be switched", hint="`devbox up` first.")
    for service in engine.app.services:
        if service.name in command.services and service.other is None:
            hint = f"Give {service.name} a `local: {{command: ...}}` beside its image."
            raise UsageError(f"{service.name} can run in one way only", hint=hint)
    engine.forms.choose(command.services, local=command.action is Action.RUN_LOCAL)
    await engine.apply(engine.app)
    return engine.intend(Intent.RUN, command.services, command.by)
