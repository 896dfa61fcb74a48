"""What the last start of a mesh waited for, from the events it left behind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from devbox.domain.event import Event, HealthChanged, InstanceSeen, IntentChanged, StepFinished, StepStarted
from devbox.domain.spec import UnitKey
from devbox.domain.status import Health, Intent
from devbox.domain.step import Op
from devbox.domain.timing import Timing, Timings

_SLACK = 0.05
"""Seconds by which a dependent may seem to have begun before what it waited for was there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a service waits for before it starts, and whether a probe says when it is ready."""

    needs: tuple[str, ...] = ()
    probed: bool = False


@dataclass(slots=True)
class _Marks:
    """The times at which a replica's first preparation and first start began and ended, and when it was ready."""

    prepare: float | None = None
    prepared: float | None = None
    start: float | None = None
    started: float | None = None
    ready: float | None = None


def timings(events: Sequence[Event], asked: Mapping[str, Asked]) -> Timings:
    """What the last wish to run something led to. Where nobody wished for anything, an empty one."""
    wishes = [event for event in events if isinstance(event.body, IntentChanged) and event.body.intent is Intent.RUN]
    if not wishes:
        return Timings(0.0, 0.0, (), ())
    began = wishes[-1].at
    marks = _marks([event for event in events if event.seq > wishes[-1].seq])
    found = [_timing(key, each, began, marks, asked) for key, each in marks.items() if each.start is not None]
    found.sort(key=lambda timing: (timing.total, timing.service, timing.replica))
    return Timings(began, max((each.total for each in found), default=0.0), tuple(found), _chain(found))


def _marks(events: Iterable[Event]) -> dict[UnitKey, _Marks]:
    marks: dict[UnitKey, _Marks] = {}
    for event in events:
        match event.body:
            case StepStarted(step) if step.op is Op.PREPARE:
                mine = marks.setdefault(step.key, _Marks())
                mine.prepare = event.at if mine.prepare is None else mine.prepare
            case StepStarted(step) if step.op is Op.START:
                mine = marks.setdefault(step.key, _Marks())
                mine.start = event.at if mine.start is None else mine.start
            case StepFinished(op=Op.PREPARE, key=key) if key in marks and marks[key].prepared is None:
                marks[key].prepared = event.at
            case StepFinished(op=Op.START, key=key) if key in marks and marks[key].started is None:
                marks[key].started = event.at
            case HealthChanged(key=key, health=Health.HEALTHY) if key in marks and marks[key].ready is None:
                marks[key].ready = event.at
            case InstanceSeen(observed) if observed.succeeded and observed.key in marks:
                mine = marks[observed.key]
                mine.ready = event.at if mine.ready is None else mine.ready
    return marks


def _timing(
    key: UnitKey, mine: _Marks, began: float, marks: Mapping[UnitKey, _Marks], asked: Mapping[str, Asked]
) -> Timing:
    wish = asked.get(key.service, Asked())
    start = mine.start if mine.start is not None else began
    prepare = (mine.prepared or start) - mine.prepare if mine.prepare is not None else 0.0
    started = mine.started if mine.started is not None else start
    ready = mine.ready if mine.ready is not None or wish.probed else mine.started
    end = started if ready is None else max(started, ready)
    waiting = max(0.0, start - began - prepare)
    return Timing(
        key.service,
        key.replica,
        waiting=waiting,
        prepare=prepare,
        start=started - start,
        until_ready=end - started,
        total=end - began,
        ready=ready is not None,
        waited_for=_last_there(wish.needs, start, marks),
    )


def _last_there(needs: tuple[str, ...], start: float, marks: Mapping[UnitKey, _Marks]) -> str:
    """Of what a replica needs, the one that was there last before its start."""
    there: list[tuple[float, str]] = []
    for key, other in marks.items():
        times = [at for at in (other.started, other.ready) if at is not None and at <= start + _SLACK]
        if key.service in needs and times:
            there.append((max(times), key.service))
    return max(there)[1] if there else ""


def _chain(found: Sequence[Timing]) -> tuple[str, ...]:
    """From the first to the last: what was ready last, what that had waited for, and so on down."""
    last: dict[str, Timing] = {timing.service: timing for timing in found}
    chain: list[str] = []
    name = found[-1].service if found else ""
    while name in last and name not in chain:
        chain.append(name)
        name = last[name].waited_for
    return tuple(reversed(chain))
