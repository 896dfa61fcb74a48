"""What was measured of an instance: its probes, and what it uses over time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe: when (seconds since the epoch), whether all was well, how long it took (seconds), what was said."""

    at: float
    ok: bool
    latency: float
    output: str


@dataclass(frozen=True, slots=True)
class MetricsHistory:
    """What a replica used over the last quarter of an hour, oldest first.

    `times` are seconds since the epoch, and every series is as long as they are. A series that cannot be measured here
    (the network of a process that shares the host's) is empty. `cpu` is percent of one core, `memory` bytes,
    `memory_limit` bytes or None where there is none; the others are bytes per second. `restarts` counts from the first
    start on.
    """

    times: tuple[float, ...] = ()
    cpu: tuple[float, ...] = ()
    memory: tuple[float, ...] = ()
    memory_limit: int | None = None
    net_rx: tuple[float, ...] = ()
    net_tx: tuple[float, ...] = ()
    disk_read: tuple[float, ...] = ()
    disk_write: tuple[float, ...] = ()
    open_files: tuple[float, ...] = ()
    restarts: int = 0
