"""Whether what runs services can be reached: what is posted when it cannot, and who is told so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from devbox.domain.errors import EngineUnavailable
from devbox.domain.event import Body, RuntimeUnreachable
from devbox.domain.instance import Outage
from devbox.plan.state import State

log = logging.getLogger(__name__)


def demand(state: State, services: Collection[str]) -> None:
    """Raise EngineUnavailable where something is asked of services (none named: all) that are out of reach."""
    for unit in state:
        if services and unit.key.service not in services:
            continue
        if (outage := state.outage_of(unit)) is not None:
            raise EngineUnavailable(outage.message, hint=outage.hint, address=outage.address)


def note_outage(state: State, outage: Outage, post: Callable[[Body], None]) -> None:
    """Post that a runtime cannot be reached; once, however often it was tried."""
    if state.outages.get(outage.runtime) != outage:
        log.warning("%s", outage.message)
        post(RuntimeUnreachable(outage))


def outage_of(runtime: str, error: EngineUnavailable) -> Outage:
    """An error as the outage that it stands for."""
    return Outage(runtime, error.address, error.message, error.hint)
