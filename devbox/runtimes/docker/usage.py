"""What containers use: from their control groups where the engine is on this machine, else as the engine tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from devbox.domain.errors import DevboxError
from devbox.domain.instance import Ref, Sample
from devbox.runtimes import procfs
from devbox.runtimes.docker.engine import EngineLink
from devbox.runtimes.meter import Counters, Meter


class ContainerUsage:
    """Measures containers."""

    def __init__(self, engine: EngineLink) -> None:
        self._engine, self._meter = engine, Meter()
        self._pids: dict[str, int] = {}

    def know(self, container: str, pid: int) -> None:
        """Take note of a container's first process, as the engine tells it (0: it has none now)."""
        if pid:
            self._pids[container] = pid
        else:
            self._pids.pop(container, None)

    async def measure(self, refs: Collection[Ref]) -> dict[Ref, Sample]:
        """What these containers used since the last call; those that are gone are left out."""
        read = await asyncio.to_thread(self._from_groups, refs)
        others = [ref for ref in refs if ref not in read]
        told = await asyncio.gather(*(self._asked(ref) for ref in others))
        read |= {ref: each for ref, each in zip(others, told, strict=True) if each is not None}
        return self._meter.samples(read)

    def _from_groups(self, refs: Collection[Ref]) -> dict[Ref, Counters]:
        if self._engine.endpoint.socket is None or not procfs.HERE:
            return {}
        found = {}
        for ref in refs:
            pid = self._pids.get(ref.id)
            if pid is not None and (counters := procfs.container(pid, ref.id)) is not None:
                found[ref] = counters
        return found

    async def _asked(self, ref: Ref) -> Counters | None:
        try:
            stats = await self._engine.call(lambda client: client.stats(ref.id, stream=False, one_shot=True))
        except DevboxError:
            return None
        return _counters(stats)


def _counters(stats: dict[str, Any]) -> Counters:
    """What `GET /containers/ID/stats` says."""
    memory, networks = stats.get("memory_stats", {}), stats.get("networks") or {}
    idle = memory.get("stats", {}).get("inactive_file", 0)
    return Counters(
        cpu=stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
        memory=max(0, memory.get("usage", 0) - idle),
        net_rx=sum(each["rx_bytes"] for each in networks.values()) if networks else None,
        net_tx=sum(each["tx_bytes"] for each in networks.values()) if networks else None,
    )
