"""How what is known of a replica changes while a new instance stands beside the one that serves. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from devbox.domain.event import Event
from devbox.domain.instance import Observed
from devbox.domain.status import Health, Phase
from devbox.plan.state import Beside, Rejected, UnitState

_NAMES_AN_ERROR = re.compile(r"\b(\w*(Error|Exception)|error|fatal|panic)\b")


def first_seen(unit: UnitState) -> UnitState:
    """Of two instances that are found behind one door, the newer one was on its way to take over."""
    behind = sorted((i for i in unit.live if i.private), key=lambda instance: instance.started_at)
    if len(behind) < 2 or unit.beside is not None:
        return unit
    first = Health.STARTING if unit.unit is None or unit.unit.spec.probe is not None else Health.NONE
    return replace(unit, beside=Beside(behind[-1].ref, first))


def judged(unit: UnitState, event: Event, health: Health, output: str) -> UnitState:
    """The new instance was found well or unwell. An unwell one does not take over."""
    if unit.beside is None:
        return unit
    new = replace(unit.beside, health=health, probe_output=output)
    known = replace(unit, beside=new)
    if health is Health.UNHEALTHY:
        return rejected(known, event, f"the new one is not healthy: {output}")
    return replace(known, why=f"the new one is {health}", cause=event.seq) if new.ready else known


def switched(unit: UnitState, event: Event) -> UnitState:
    """Callers reach the new instance now: it is the one that counts."""
    if unit.beside is None:
        return unit
    if unit.successor is None:
        return rejected(unit, event, "the new one ended as it took over")
    new = unit.beside
    return replace(
        unit,
        beside=None,
        rejected=None,
        failure=None,
        health=new.health,
        probe_output=new.probe_output,
        why="the new one serves",
        cause=event.seq,
        since=event.at,
    )


def settled(unit: UnitState, event: Event, why: str = "") -> UnitState:
    """With no word of a new instance that is gone. `why` tells how it went, unless it was stopped."""
    if unit.beside is None or not unit.live:
        return replace(unit, beside=None) if unit.beside else unit
    if unit.successor is None:
        alone = replace(unit, beside=None)
        return rejected(alone, event, f"the new one {why}") if why and not unit.rejected else alone
    if len(unit.live) > 1:
        return unit
    # The old one ended first: the new one counts, ready or not.
    new = unit.beside
    left = replace(unit, beside=None, health=new.health, probe_output=new.probe_output, cause=event.seq)
    return replace(left, why="the old one ended") if left.phase is Phase.RUNNING else left


def rejected(unit: UnitState, event: Event, why: str) -> UnitState:
    """The old one goes on serving; a successor is not tried again before a save, a change or a person's word."""
    fingerprint = unit.unit.fingerprint if unit.unit else ""
    refused = Rejected(fingerprint, why, event.seq)
    kept = tuple(each for each in unit.condemned if unit.beside is not None and each.ref == unit.beside.ref)
    return replace(unit, rejected=refused, condemned=kept, failure=None)


def ending(seen: Observed, tail: Sequence[str]) -> str:
    """How an instance ended, with the line of its last words that names an error, if any."""
    lines = [line.strip() for line in tail if line.strip()]
    error = next((line for line in reversed(lines) if _NAMES_AN_ERROR.search(line)), lines[-1] if lines else "")
    return f"{seen.ending()}: {error}" if error else seen.ending()
