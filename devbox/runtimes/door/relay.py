"""A door and the connections through it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from devbox.runtimes.door.framing import Exchange

BACKLOG = 1024
LOOPBACK = "127.0.0.1"

DIAL_LIMIT = 10.0
"""Seconds within which the instance behind a door must take a connection."""

HOLD_LIMIT = 60.0
"""Seconds that a connection is held for an instance that has to start first."""

QUIET = 0.25
"""Seconds of silence after which a connection that is not HTTP/1 may be closed for good reason."""

_ROOM = 256 * 1024
"""Bytes that may wait to be taken by a slow side before the other one is no longer read."""


class Side(asyncio.Protocol):
    """One end of a connection through a door: the caller's, or the one to the instance (the callee's)."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.transport: asyncio.Transport | None = None
        self.said_all = False

    @property
    def other(self) -> Side | None:
        return self.line.callee if self is self.line.caller else self.line.caller

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(high=_ROOM)
            self.transport = transport
        if self is self.line.caller:
            self.line.opened()

    def data_received(self, data: bytes) -> None:
        self.line.said(self, data)

    def eof_received(self) -> bool:
        self.said_all = True
        self.line.fell_silent(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.line.lost(self, exc)

    def pause_writing(self) -> None:
        if (other := self.other) is not None and other.transport is not None:
            with contextlib.suppress(RuntimeError):
                other.transport.pause_reading()

    def resume_writing(self) -> None:
        if (other := self.other) is not None:
            other.listen()

    def listen(self) -> None:
        """Read on."""
        if self.transport is not None and not self.transport.is_closing():
            with contextlib.suppress(RuntimeError):
                self.transport.resume_reading()

    def hush(self) -> None:
        """Read nothing for now."""
        if self.transport is not None and not self.transport.is_closing():
            with contextlib.suppress(RuntimeError):
                self.transport.pause_reading()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def end(self) -> None:
        """Say nothing more, once all was taken."""
        if self.transport is not None and not self.transport.is_closing():
            with contextlib.suppress(OSError, RuntimeError, NotImplementedError):
                self.transport.write_eof()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Line:
    """One caller's connection, and the one to the instance that answers it.

    The caller's stays as it is when, between two messages, the instance changes.
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        self.caller = Side(self)
        self.callee: Side | None = None
        self.instance = ""
        self.exchange = Exchange()
        self.active_at = time.monotonic()
        self._pending = bytearray()
        self._dialling: asyncio.Task[None] | None = None

    # --- what happens to it

    def opened(self) -> None:
        self.door.lines.add(self)
        self.seek()

    def said(self, side: Side, data: bytes) -> None:
        self.active_at = self.door.active_at = time.monotonic()
        if side is self.caller:
            self.exchange.caller_says(data)
            if self.door.asleep:
                self.door.knock()
            if self.callee is not None and self._dialling is None:
                self.callee.write(data)
                return
            self._pending += data
            self.caller.hush()
            self.seek()
        elif side is self.callee:
            self.exchange.callee_says(data)
            self.caller.write(data)
            self.leave()

    def fell_silent(self, side: Side) -> None:
        if side is self.callee:
            self.caller.end()
        elif side is self.caller and self.callee is not None:
            self.callee.end()
        elif side is self.caller and self._dialling is None and not self._pending:
            self.caller.close()
        if self.callee is not None and self.callee.said_all and self.caller.said_all:
            self.close()

    def lost(self, side: Side, exc: Exception | None) -> None:
        if side is self.callee:
            self.callee, self.instance = None, ""
            self.caller.abort() if exc is not None else self.caller.close()
            self.door.counted()
        elif side is self.caller:
            self.forget()
            if self.callee is not None:
                self.callee.abort() if exc is not None else self.callee.close()

    # --- to whom it leads

    def seek(self) -> None:
        """Find the instance that answers; wait for it where there is none yet."""
        if self._dialling is None:
            self.caller.hush()
            self._dialling = asyncio.get_running_loop().create_task(self._dial())

    async def _dial(self) -> None:
        try:
            if not await self.door.somebody():
                self.caller.abort()
                return
            self.instance, port = self.door.instance, self.door.port_behind
            callee = Side(self)
            async with asyncio.timeout(DIAL_LIMIT):
                await asyncio.get_running_loop().create_connection(lambda: callee, LOOPBACK, port)
        except OSError:
            # The caller sees what it would see without a door: nobody is there.
            self.caller.abort()
            return
        finally:
            self._dialling = None
        if self.caller.transport is None or self.caller.transport.is_closing():
            callee.abort()
            return
        if callee.transport is None or callee.transport.is_closing():
            self.caller.abort()
            return
        self.callee = callee
        if self._pending:
            callee.write(bytes(self._pending))
            self._pending.clear()
        if self.caller.said_all:
            callee.end()
        self.caller.listen()
        self.leave()

    def leave(self) -> None:
        """Let go of an instance that is to be stopped, if nothing is under way with it."""
        if self.callee is None or self.instance == self.door.instance or not self.door.instance:
            return
        fresh = self.exchange.fresh
        if not fresh and not self.exchange.between:
            return
        callee, self.callee, self.instance = self.callee, None, ""
        callee.close()
        self.door.counted()
        if fresh or self._pending:
            self.seek()

    def leave_if_quiet(self, now: float) -> None:
        """End a connection of which nobody can tell what is under way, once nothing is heard on it."""
        self.leave()
        elsewhere = self.callee is not None and self.instance != self.door.instance
        if elsewhere and not self.exchange.followed and now - self.active_at >= QUIET:
            self.close()

    def close(self) -> None:
        for side in (self.caller, self.callee):
            if side is not None:
                side.close()

    def abort(self) -> None:
        for side in (self.caller, self.callee):
            if side is not None:
                side.abort()
        self.forget()

    def forget(self) -> None:
        if self._dialling is not None:
            self._dialling.cancel()
        self.door.lines.discard(self)
        self.instance = ""
        self.door.counted()


class Door:
    """A published port, and which instance is behind it.

    `asleep`: that instance has to be started or thawed first, and `tell_knock` says that somebody wants it. `idle` is
    the number of seconds without a byte after which `tell_idle` is called; None: never.
    """

    def __init__(self, name: str, host: str, port: int, tell_knock: Callable[[str], None]) -> None:
        self.name, self.host, self.port = name, host, port
        self.instance, self.port_behind = "", 0
        self.asleep = False
        self.idle: float | None = None
        self.active_at = time.monotonic()
        self.lines: set[Line] = set()
        self.fewer = asyncio.Event()
        self._awake = asyncio.Event()
        self._tell_knock = tell_knock
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Line(self).caller, self.host, self.port, backlog=BACKLOG)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in list(self.lines):
            line.abort()

    def point(self, instance: str, port: int, *, asleep: bool, idle: float | None) -> None:
        """Lead new connections to `port` of loopback, and old ones that are between two messages."""
        self.instance, self.port_behind, self.idle = instance, port, idle
        if self.asleep and not asleep:
            self.active_at = time.monotonic()
        self.asleep = asleep
        if asleep:
            self._awake.clear()
        else:
            self._awake.set()
        for line in list(self.lines):
            line.leave()

    async def somebody(self) -> bool:
        """Wait until there is somebody behind the door; False where nobody is to be expected."""
        self.active_at = time.monotonic()
        if self.asleep:
            self.knock()
            try:
                async with asyncio.timeout(HOLD_LIMIT):
                    await self._awake.wait()
            except TimeoutError:
                return False
        return bool(self.instance)

    def knock(self) -> None:
        self._tell_knock(self.name)

    def counted(self) -> None:
        """A connection has let go of an instance."""
        self.fewer.set()

    def with_instance(self, instance: str) -> list[Line]:
        return [line for line in self.lines if line.instance == instance]

    @property
    def idle_for(self) -> float:
        return time.monotonic() - self.active_at

    @property
    def waits(self) -> bool:
        """Whether somebody is held at the door."""
        return self.asleep and any(line.callee is None for line in self.lines)
