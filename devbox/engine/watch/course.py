"""The course of a reload, read off the turns of the loop: when the old one ended, the new one started, was ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from devbox.domain.event import (
    Body,
    Event,
    OldOneServes,
    Reloaded,
    ReloadFailed,
    ReloadRequested,
    StepFailed,
    StepFinished,
)
from devbox.domain.status import Health, Phase
from devbox.domain.step import Op
from devbox.domain.watching import Part
from devbox.engine.loop import Turn
from devbox.plan.backoff import LONG_LIFE
from devbox.plan.state import State

_NAMES = {Op.STOP: "stopped", Op.START: "started", Op.SWITCH: "switched"}


@dataclass(slots=True)
class _Course:
    """One reload under way. `last` is when its last part ended.

    One that was `told` of is done, but for a service that ends within moments after all.
    """

    body: ReloadRequested
    written_at: float
    last: float
    seq: int = 0
    parts: list[Part] = field(default_factory=list)
    began: bool = False
    told: bool = False

    def note(self, name: str, at: float) -> None:
        self.parts.append(Part(name, max(0.0, at - self.last)))
        self.last = at


class Courses:
    """Every service's reload that is under way; a later one takes the place of an earlier one."""

    def __init__(self, post: Callable[[Body, int], None]) -> None:
        self._post = post
        self._under_way: dict[str, _Course] = {}

    def begin(self, body: ReloadRequested, written_at: float, parts: tuple[Part, ...] = ()) -> None:
        """Ask for a reload, and tell of its end. `parts` are what was done before."""
        now = time.time()
        course = _Course(body, written_at, now, parts=list(parts) or [Part("noticed", max(0.0, now - written_at))])
        self._under_way[body.service] = course
        self._post(body, 0)

    def busy(self, service: str, state: State) -> bool:
        """Whether a change that comes now might be missed by what is under way, or be brought by it anyway."""
        course = self._under_way.get(service)
        if course is not None and course.seq == 0:
            return True
        return any(
            (unit.step is not None and unit.step.op in (Op.START, Op.STOP)) or (unit.condemned and unit.beside is None)
            for unit in state.of_service(service)
        )

    def follow(self, turn: Turn) -> None:
        """Take note of what happened in a turn."""
        for event in turn.events:
            course = self._under_way.get(event.service)
            if course is not None:
                self._take(course, event)
        for course in [each for each in self._under_way.values() if each.seq]:
            self._judge(course, turn.state)

    def _judge(self, course: _Course, state: State) -> None:
        service = course.body.service
        if (end := self._end(course, state)) is not None:
            course.told = isinstance(end, Reloaded)
            if not course.told:
                del self._under_way[service]
            self._post(end, course.seq)
            return
        outlived = course.told and time.time() - course.last >= LONG_LIFE
        if outlived or not any(unit.wanted for unit in state.of_service(service)):
            del self._under_way[service]

    def _take(self, course: _Course, event: Event) -> None:
        body = event.body
        if body is course.body:
            course.seq = event.seq
        elif isinstance(body, StepFinished) and course.seq and body.op in _NAMES:
            course.began = course.began or body.op is Op.START
            course.note(_NAMES[body.op], event.at)
        elif isinstance(body, OldOneServes) and course.began:
            self._fail(course, body.why)
        elif isinstance(body, StepFailed) and course.seq and body.failure is not None:
            self._fail(course, body.failure.message)

    def _fail(self, course: _Course, why: str) -> None:
        if self._under_way.pop(course.body.service, None) is not None:
            self._post(_failed(course, why), course.seq)

    def _end(self, course: _Course, state: State) -> Body | None:
        units = state.of_service(course.body.service)
        broken = next((u for u in units if u.phase in (Phase.FAILED, Phase.BACKOFF)), None)
        if course.told and broken is None:
            return None
        if broken is not None:
            failure = broken.failure
            return _failed(course, failure.message if failure else broken.why, failure.tail if failure else ())
        if not course.began or any(unit.condemned or unit.beside for unit in units):
            return None
        sick = next((unit for unit in units if unit.health is Health.UNHEALTHY), None)
        if sick is not None:
            return _failed(course, f"it is unhealthy: {sick.probe_output}")
        if not all(unit.ready or unit.phase is Phase.COMPLETED for unit in units):
            return None
        now = time.time()
        course.note("ready", now)
        b = course.body
        seconds = max(0.0, now - course.written_at)
        return Reloaded(b.service, b.rule, b.action, b.files, b.count, seconds, tuple(course.parts))


def _failed(course: _Course, why: str, tail: tuple[str, ...] = ()) -> ReloadFailed:
    b = course.body
    return ReloadFailed(b.service, b.rule, b.action, b.files, b.count, why, tail, tuple(course.parts))
