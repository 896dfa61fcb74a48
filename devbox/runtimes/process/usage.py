"""What processes use, each with all of its descendants."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psutil

from devbox.domain.instance import Ref, Sample


class Usage:
    """Measures process trees. Keeps the CPU times of the last measurement, for a share needs two."""

    def __init__(self) -> None:
        self._before: dict[Ref, tuple[float, float]] = {}

    def measure(self, roots: Mapping[Ref, int]) -> dict[Ref, Sample]:
        """CPU (percent of one core since the last call) and resident memory of the tree below each pid."""
        children = _children()
        now = time.monotonic()
        samples = {}
        spent = {}
        for ref, pid in roots.items():
            cpu, memory = _tree_usage(pid, children)
            if memory:
                before = self._before.get(ref)
                share = max(0.0, (cpu - before[1]) / (now - before[0]) * 100) if before and now > before[0] else 0.0
                samples[ref] = Sample(cpu=share, memory=memory)
                spent[ref] = (now, cpu)
        self._before = spent
        return samples


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter(["ppid"]):
        children.setdefault(process.info["ppid"] or 0, []).append(process.pid)
    return children


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
