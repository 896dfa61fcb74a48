"""Relays, by which containers reach host processes and doors that listen on loopback.

On plain Linux a bridge's address is the only one of the host that a container can dial, and a program that listens on
127.0.0.1 alone is not there. A relay listens on that address, on the same port, as long as the process is ready; one
that listens on every address needs none, and is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from devbox.domain.doors import has_door
from devbox.domain.spec import ContainerRun, ProcessRun, UnitKey
from devbox.domain.status import Health
from devbox.plan.state import State
from devbox.runtimes.base import Runtime

_CHUNK = 64 * 1024
_BACKLOG = 256

log = logging.getLogger(__name__)

_Door = tuple[UnitKey, int]


class Relays:
    """Keeps a relay for each port of each ready host process, where there are containers that may dial it.

    `own_port` is one of devbox itself that they may dial too.
    """

    def __init__(self, runtimes: Mapping[str, Runtime]) -> None:
        self._runtimes = runtimes
        self._open: dict[_Door, asyncio.Task[None]] = {}
        self.own_port: int | None = None

    def follow(self, state: State) -> None:
        """Have exactly the relays that the mesh needs now."""
        doors = _doors(state, self.own_port)
        # A process that listens goes on doing so while it is unwell.
        wanted = {door for door, listens in doors.items() if listens or door in self._open}
        for door in self._open.keys() - wanted:
            self._open.pop(door).cancel()
        for door in wanted - self._open.keys():
            self._open[door] = asyncio.create_task(self._serve(door[1]))

    async def close(self) -> None:
        for task in self._open.values():
            task.cancel()
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    async def _serve(self, port: int) -> None:
        for runtime in list(self._runtimes.values()):
            address = await runtime.gateway()
            if address is None:
                continue
            try:
                server = await asyncio.start_server(
                    lambda reader, writer: _carry(reader, writer, port), address, port, backlog=_BACKLOG
                )
            except OSError as exc:
                log.info("no relay at %s:%s: %s", address, port, exc)
                continue
            async with server:
                await server.serve_forever()


def _doors(state: State, own_port: int | None) -> dict[_Door, bool]:
    """The ports of live host processes that a container may dial, and whether the process listens by now."""
    specs = [(unit, unit.unit.spec) for unit in state if unit.unit is not None]
    # Those that are still to start count: they may dial with their first breath.
    if not any(isinstance(spec.run, ContainerRun) and (unit.live or unit.wanted) for unit, spec in specs):
        return {}
    own = {(UnitKey("devbox"), own_port): True} if own_port is not None else {}
    return own | {
        (unit.key, port.published): unit.health in (Health.NONE, Health.HEALTHY)
        for unit, spec in specs
        if unit.live and (isinstance(spec.run, ProcessRun) or has_door(spec))
        for port in spec.ports
        if port.published is not None and port.protocol == "tcp"
    }


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Connect a caller to the process, and copy both ways until both have said all."""
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        # The caller sees what it would see without a relay: nobody is there.
        writer.transport.abort()
        return
    try:
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
    finally:
        for each in (writer, inner_writer):
            each.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
