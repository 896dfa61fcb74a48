"""The mesh in Prometheus' text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable

from devbox.control.protocol import Row
from devbox.domain.instance import Sample
from devbox.domain.status import Health, Phase

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_USED = (
    ("cpu", "devbox_cpu_percent", "CPU in percent of one core."),
    ("memory", "devbox_memory_bytes", "Memory in use."),
    ("memory_limit", "devbox_memory_limit_bytes", "The most memory it may have."),
    ("net_rx", "devbox_network_receive_bytes_per_second", "Bytes received each second."),
    ("net_tx", "devbox_network_transmit_bytes_per_second", "Bytes sent each second."),
    ("disk_read", "devbox_disk_read_bytes_per_second", "Bytes read from disks each second."),
    ("disk_write", "devbox_disk_written_bytes_per_second", "Bytes written to disks each second."),
    ("open_files", "devbox_open_files", "Open file descriptors."),
)


def exposition(project: str, measured: Iterable[tuple[Row, Sample | None]]) -> str:
    """Every figure of every replica. What cannot be measured here has no line."""
    rows = list(measured)
    lines: list[str] = []

    def family(name: str, kind: str, about: str, values: Iterable[tuple[Row, float | None]]) -> None:
        lines.extend((f"# HELP {name} {about}", f"# TYPE {name} {kind}"))
        for row, value in values:
            if value is not None:
                labels = f'project="{project}",service="{row.service}",replica="{row.replica}"'
                lines.append(f"{name}{{{labels}}} {value:.15g}")

    up = [(row, float(row.status.phase is Phase.RUNNING)) for row, _ in rows]
    family("devbox_up", "gauge", "1 while it runs.", up)
    probed = [(row, _healthy(row)) for row, _ in rows]
    family("devbox_healthy", "gauge", "1 while its probes are content; none: it has no probe.", probed)
    restarts = [(row, float(row.status.restarts)) for row, _ in rows]
    family("devbox_restarts_total", "counter", "How often it was started again after it ended by itself.", restarts)
    for field, name, about in _USED:
        family(name, "gauge", about, [(row, getattr(sample, field, None)) for row, sample in rows])
    return "\n".join(lines) + "\n"


def _healthy(row: Row) -> float | None:
    return None if row.status.health is Health.NONE else float(row.status.health is Health.HEALTHY)
