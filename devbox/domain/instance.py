"""What a runtime saw. Never a guess."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from devbox.domain.spec import UnitKey
from devbox.domain.status import Health


@dataclass(frozen=True, slots=True)
class Ref:
    """The name of one instance in its runtime, unique over the life of the project: a container id, a record id."""

    runtime: str
    id: str

    def __str__(self) -> str:
        return f"{self.runtime}:{self.id}"


@dataclass(frozen=True, slots=True)
class Observed:
    """One instance of a unit as its runtime saw it.

    `exit_code` is None while it is alive, when it ended by a signal (then `signal` is set), and when nobody could know
    it (its parent died with it). Times are seconds since the epoch. `pid` is its process on the host, if it has one.
    `health` is the verdict of a check that the vendor itself makes, with the last words of that; None: it makes none.
    `private` tells where one that stands behind a door listens: pairs of a port's target and the port on loopback.
    `serves` tells that it is said to listen on TCP ports, by whoever made its image or its manifest.
    """

    ref: Ref
    key: UnitKey
    fingerprint: str
    alive: bool
    started_at: float
    finished_at: float | None = None
    pid: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    oom: bool = False
    paused: bool = False
    health: Health | None = None
    health_output: str = ""
    private: tuple[tuple[int, int], ...] = ()
    serves: bool = False

    @property
    def succeeded(self) -> bool:
        return not self.alive and self.exit_code == 0

    def ending(self) -> str:
        """How it ended, in words: `exited with 3`, `killed by SIGKILL`, `ended (exit code unknown)`."""
        if self.oom:
            return "killed: out of memory"
        if self.signal is not None:
            return f"killed by {signal_name(self.signal)}"
        if self.exit_code is None:
            return "ended (exit code unknown)"
        return f"exited with {self.exit_code}"


@dataclass(frozen=True, slots=True)
class Sample:
    """What an instance used when it was last measured.

    `cpu` is percent of one core, `memory` and `memory_limit` are bytes, network and disk bytes per second since the
    measurement before. What cannot be measured here is None.
    """

    cpu: float
    memory: int
    memory_limit: int | None = None
    net_rx: float | None = None
    net_tx: float | None = None
    disk_read: float | None = None
    disk_write: float | None = None
    open_files: int | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A runtime that cannot be reached: which one, the address tried, what is wrong, and what a person can do."""

    runtime: str
    address: str
    message: str
    hint: str = ""


def signal_name(number: int) -> str:
    """`SIGTERM` for 15; `signal 99` for a number that has no name here."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
