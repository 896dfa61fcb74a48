"""What processes use, each with all of its descendants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psutil

from devbox.domain.instance import Ref, Sample
from devbox.runtimes import procfs
from devbox.runtimes.meter import Counters, Meter


class Usage:
    """Measures process trees."""

    def __init__(self) -> None:
        self._meter = Meter()

    def measure(self, roots: Mapping[Ref, int]) -> dict[Ref, Sample]:
        """What the tree below each pid used since the last call."""
        found = procfs.trees(roots.values()) if procfs.HERE else _trees(roots.values())
        return self._meter.samples({ref: found[pid] for ref, pid in roots.items() if pid in found})


def _trees(roots: Iterable[int]) -> dict[int, Counters]:
    """The same where the kernel has no such files."""
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter(["ppid"]):
        children.setdefault(process.info["ppid"] or 0, []).append(process.pid)
    found = {root: _tree_usage(root, children) for root in roots}
    return {root: Counters(cpu, memory) for root, (cpu, memory) in found.items() if memory}


def _tree_usage(root: int, children: Mapping[int, list[int]]) -> tuple[float, int]:
    cpu, memory, todo = 0.0, 0, [root]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, ())
        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            cpu += times.user + times.system
            memory += process.memory_info().rss
        except psutil.Error:
            continue
    return cpu, memory
