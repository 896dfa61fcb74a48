"""What `up` would do where no supervisor runs to ask."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection

from devbox.domain.event import Body, Event, InstanceSeen, IntentChanged, SpecApplied
from devbox.domain.graph import with_needs
from devbox.domain.instance import Observed
from devbox.domain.places import Places
from devbox.domain.spec import AppSpec
from devbox.domain.status import Intent
from devbox.domain.step import Plan
from devbox.engine.ports import PortBook
from devbox.engine.reduce import reduce
from devbox.plan.reconcile import reconcile
from devbox.plan.resolve import resolve
from devbox.plan.state import State
from devbox.runtimes.process.ports import is_free
from devbox.runtimes.process.runtime import ProcessRuntime


def plan_without_supervisor(app: AppSpec, places: Places, services: Collection[str]) -> Plan:
    """The plan for bringing services (none: all) up, from what a look at the machine shows. Changes nothing."""
    seen = asyncio.run(_observe(places)) if places.keeper_socket.exists() else ()
    ports = PortBook(app.project, places.run / "ports.json", is_free)
    live = {instance.key for instance in seen if instance.alive}
    units = resolve(app, lambda key, port: ports.publish(key, port, in_use=key in live))
    needs = {service.name: [n.service for n in service.needs if n.required] for service in app.services}
    names = tuple(sorted(with_needs(services or needs.keys(), needs)))
    now = time.time()
    state = State()
    bodies: list[Body] = [*map(InstanceSeen, seen), SpecApplied(app.files, (), units)]
    for body in [*bodies, IntentChanged(Intent.RUN, names, "devbox up")]:
        state = reduce(state, Event(state.seq + 1, now, "", 0, body))
    return reconcile(state, now).plan


async def _observe(places: Places) -> tuple[Observed, ...]:
    runtime = ProcessRuntime(places, os.environ)
    try:
        return await runtime.observe()
    finally:
        await runtime.close()
