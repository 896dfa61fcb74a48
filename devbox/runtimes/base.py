"""What the engine may ask of whatever runs services.

A runtime translates its vendor's errors into ours at this one seam: `apply` raises StepError with a Failure in words,
anything raises EngineUnavailable when the vendor cannot be reached.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devbox.domain.container import Hook
from devbox.domain.instance import Observed, Outage, Ref, Sample
from devbox.domain.spec import AppSpec, Unit, UnitKey
from devbox.domain.step import Step

Report = Callable[[str, int | None, int | None], None]
"""Tells how far a step is: a text, and done of total where both are known."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An instance that is no longer there at all, not even as a dead one."""

    ref: Ref
    key: UnitKey


@dataclass(frozen=True, slots=True)
class Answering:
    """The vendor can be reached again: whatever may have happened meanwhile has to be looked at."""


Change = Observed | Lost | Outage | Answering


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command run beside a service ended. `exit_code` is None when it took longer than it was given."""

    exit_code: int | None
    output: str


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The two files that a replica's output is appended to, over all its lives."""

    stdout: Path
    stderr: Path


@dataclass(frozen=True, slots=True)
class DoorTarget:
    """Where a door leads: an instance, and its port on loopback. An empty `instance`: to nobody, for now.

    `asleep`: somebody who comes is held until it is pointed anew. `idle`: seconds without a byte after which the porter
    says so; None: never.
    """

    instance: str = ""
    port: int = 0
    asleep: bool = False
    idle: float | None = None


class Porter(Protocol):
    """Keeps doors, which hold published ports for the instances behind them. Raises EngineUnavailable if it cannot.

    `on_knock` is told the door where somebody is held; `on_idle` the door, the instance behind it and for how many
    seconds nobody came; `on_lost` that every door is gone.
    """

    on_knock: Callable[[str], None]
    on_idle: Callable[[str, str, float], None]
    on_lost: Callable[[], None]

    async def open(self, name: str, host: str, port: int) -> None:
        """Have a door at a place. Raises StepError where somebody else has the port."""

    async def point(self, name: str, target: DoorTarget) -> None:
        """Lead a door to an instance."""

    async def drain(self, instance: str, limit: float) -> int:
        """Wait until nobody's connection leads to an instance; how many had to be cut after `limit` seconds."""

    async def close_door(self, name: str) -> None:
        """Have no door of that name."""

    async def names(self) -> tuple[str, ...]:
        """The doors there are already."""

    async def close(self, *, quit_porter: bool) -> None:
        """Let go of the porter; with `quit_porter` it ends if it has no doors."""


@dataclass(frozen=True, slots=True)
class SyncBatch:
    """Files to be copied into an instance (from here, to there), and files there that are to go. Paths are absolute."""

    copies: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()


class Runtime(Protocol):
    """One way to run services. Refs given out by a runtime bear its name."""

    name: str

    def learn(self, app: AppSpec) -> tuple[str, ...]:
        """Take note of what the manifest says beyond single units: its networks and volumes.

        What of it the vendor at hand cannot do comes back, a sentence each.
        """

    async def observe(self) -> tuple[Observed, ...]:
        """Every instance of this project that is there, dead ones included."""

    async def apply(self, step: Step, unit: Unit | None, report: Report) -> Observed | None:
        """Carry out one step; START and STOP say what became of the instance. `unit` is None for what was dropped.

        Raises StepError when it cannot be done. Cancelling it leaves nothing half done.
        """

    def changes(self) -> AsyncIterator[Change]:
        """Whatever happens to instances by itself, as it happens, without end."""

    async def signal(self, ref: Ref, signal: int) -> bool:
        """Send a signal to a live instance; False where there is none any more."""

    async def pause(self, ref: Ref, *, paused: bool) -> bool:
        """Freeze a live instance, or thaw it; False where there is none any more."""

    async def outdated(self, units: Collection[Unit]) -> Mapping[Ref, str]:
        """The live instances of these units that would be made otherwise now, and why: their image was built anew."""

    async def gateway(self) -> str | None:
        """The host as instances see it; None where a program that listens on loopback can be reached from them."""

    async def execute(self, ref: Ref, unit: Unit, argv: tuple[str, ...], limit: float) -> ExecResult:
        """Run a command where the instance runs, for `limit` seconds at most."""

    async def sync(self, ref: Ref, unit: Unit, batch: SyncBatch) -> tuple[str, ...]:
        """Bring files into an instance; those that were newer there, and are overwritten. Raises StepError."""

    async def rebuild(self, unit: Unit, report: Report) -> None:
        """Build anew what a unit is made of. What runs is not touched. Raises StepError."""

    async def run_hook(self, ref: Ref, unit: Unit, hook: Hook, limit: float) -> None:
        """Run a command where the instance runs. Raises StepError where it fails or takes longer than `limit`."""

    async def data_mark(self, ref: Ref, unit: Unit) -> str:
        """A text that stands for the data an instance has: others, once they were made anew."""

    def logs(self, key: UnitKey) -> LogFiles:
        """Where a replica's output is."""

    async def stats(self, refs: Collection[Ref]) -> Mapping[Ref, Sample]:
        """What these instances use now; those that are gone are left out."""

    async def clear_data(self, unit: Unit) -> None:
        """Delete the data of a service of which no instance is there any more. Raises StepError where that fails."""

    async def clear(self, *, volumes: bool) -> None:
        """Remove what was made for the project besides its instances; with `volumes` its data too."""

    async def close(self) -> None:
        """Let go of the vendor. What runs goes on running."""
