"""The single acts a plan is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from devbox.domain.instance import Ref
from devbox.domain.spec import UnitKey
from devbox.domain.status import Hold


class Op(StrEnum):
    """What a runtime can be asked to do to a unit."""

    PREPARE = "prepare"
    START = "start"
    SWITCH = "switch"
    STOP = "stop"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Step:
    """One act on one unit, why it is done, and what must be done before it.

    `cause` is the reason in words; `event` is the seq of the event behind it (0: none is known). `ref` names the
    instance for STOP and REMOVE, and for START a dead one that may be brought back to life or takes up its place.
    For SWITCH it names the
    instance that callers reach from then on. `beside` has PREPARE and START leave a live instance where it is.
    `signal` and `grace` override the unit's own for STOP. `after` holds ids of steps of the same plan. A step with a
    `hold` may not be started yet, and says why.
    """

    id: str
    op: Op
    key: UnitKey
    cause: str
    event: int = 0
    ref: Ref | None = None
    fingerprint: str = ""
    signal: str | None = None
    grace: float | None = None
    beside: bool = False
    after: tuple[str, ...] = ()
    hold: Hold | None = None

    def __str__(self) -> str:
        text = f"{self.op:<8}{self.key.service}"
        if self.key.replica > 1:
            text += f" #{self.key.replica}"
        text += f"  ({self.cause})"
        return f"{text}  waits: {self.hold.why}" if self.hold else text


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to get from what is to what shall be, in an order that works."""

    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps)) if self.steps else "nothing to do"

    def ready(self) -> tuple[Step, ...]:
        """The steps that may start now: nothing before them, nothing holding them."""
        return tuple(step for step in self.steps if not step.after and step.hold is None)
