"""What services use, the largest first: `devbox stats`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from devbox.domain.instance import Sample
from devbox.views.table import columns
from devbox.views.words import size

SORTS = ("memory", "cpu", "name")

_HEAD = ("NAME", "MEMORY", "OF ALL", "LIMIT", "OF LIMIT", "CPU", "NET I/O", "DISK I/O", "FILES")


def ranked(samples: Mapping[str, Sample], sort: str) -> list[tuple[str, Sample]]:
    """Names with what they use; sorted by a figure, the largest come first."""
    if sort == "name":
        return sorted(samples.items())
    return sorted(samples.items(), key=lambda item: (-getattr(item[1], sort), item[0]))


def usage(samples: Mapping[str, Sample], sort: str, machine: int) -> str:
    """A line for each replica and one for the sum. `machine` is its memory in bytes."""
    rows = [_cells(name, sample, machine) for name, sample in ranked(samples, sort)]
    return columns(_HEAD, [*rows, _cells("(sum)", total(samples.values()), machine)])


def total(samples: Iterable[Sample]) -> Sample:
    """What all use together; limits are not added up, since some have none."""
    known = list(samples)

    def added(field: str) -> Any:
        values = [value for each in known if (value := getattr(each, field)) is not None]
        return sum(values) if values else None

    return Sample(
        cpu=added("cpu") or 0.0,
        memory=added("memory") or 0,
        net_rx=added("net_rx"),
        net_tx=added("net_tx"),
        disk_read=added("disk_read"),
        disk_write=added("disk_write"),
        open_files=added("open_files"),
    )


def share(part: int, whole: int | None) -> float | None:
    """How many percent of something; None where nobody knows of what."""
    return 100 * part / whole if whole else None


def _cells(name: str, sample: Sample, machine: int) -> tuple[str, ...]:
    return (
        name,
        size(sample.memory),
        _percent(share(sample.memory, machine)),
        size(sample.memory_limit) if sample.memory_limit else "-",
        _percent(share(sample.memory, sample.memory_limit)),
        f"{sample.cpu:.1f}%",
        _pair(sample.net_rx, sample.net_tx),
        _pair(sample.disk_read, sample.disk_write),
        "-" if sample.open_files is None else str(sample.open_files),
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}%"


def _pair(there: float | None, back: float | None) -> str:
    """Bytes a second, in and out."""
    if there is None and back is None:
        return "-"
    return f"{size(int(there or 0))}/s, {size(int(back or 0))}/s"
