"""The porter: keeps a project's doors.

It is a program of its own (`python -I -S -c ... SOCKET`), standard library only, so that callers notice nothing of a
supervisor that dies. It speaks lines of JSON over a Unix socket. Requests carry a number `n`, answers repeat it:

    {"n": 1, "op": "open", "name": "api-1:8000", "host": "127.0.0.1", "port": 8000}
        -> {"n": 1} or {"n": 1, "error": "...", "errno": 98}
    {"n": 2, "op": "point", "name": "api-1:8000", "instance": "process:api-1.x", "port": 14001,
     "asleep": false, "idle": null}
        -> {"n": 2}
    {"n": 3, "op": "drain", "instance": "process:api-1.x", "limit": 5}
        -> {"n": 3, "cut": 0}, once nothing leads to that instance any more
    {"n": 4, "op": "close", "name": "api-1:8000"}
        -> {"n": 4}
    {"n": 5, "op": "list"}
        -> {"n": 5, "doors": [...]}
    {"n": 6, "op": "quit"}
        -> {"n": 6}, and ends if it has no doors

Unasked it sends {"knock": NAME} when somebody comes to a door behind which nobody is awake, and {"idle": NAME,
"instance": ...} when nobody has come for as long as was said, again and again as long as it is so.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import sys
import time

from devbox.runtimes.door.relay import Door

TYPE_CHECKING = False  # importing `typing` would double the time that a porter takes to start
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

IDLE_LIFE = 5.0
"""Seconds after which a porter with no doors and nobody connected ends."""

TICK = 0.05
SLOW_TICK = 1.0
_LINE_LIMIT = 1 << 20


class Porter:
    """The doors by name, and whoever steers them."""

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path
        self.doors: dict[str, Door] = {}
        self.clients: set[asyncio.StreamWriter] = set()
        self.done = asyncio.Event()
        self.needed_at = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- requests

    async def handle(self, request: Message) -> Message:
        match request["op"]:
            case "open":
                await self.open(request["name"], request["host"], request["port"])
            case "point":
                door = self.doors[request["name"]]
                door.point(request["instance"], request["port"], asleep=request["asleep"], idle=request["idle"])
            case "drain":
                return {"cut": await self.drain(request["instance"], request["limit"])}
            case "close":
                if (closed := self.doors.pop(request["name"], None)) is not None:
                    closed.close()
            case "list":
                return {"doors": [_described(door) for door in self.doors.values()]}
            case "quit":
                if not self.doors:
                    self.done.set()
            case other:
                raise ValueError(other)
        return {}

    async def open(self, name: str, host: str, port: int) -> None:
        """Have a door of that name at that place. Raises OSError where the port is taken."""
        known = self.doors.get(name)
        if known is not None and (known.host, known.port) == (host, port):
            return
        door = Door(name, host, port, self.knock)
        await door.open()
        if known is not None:
            known.close()
        self.doors[name] = door

    async def drain(self, instance: str, limit: float) -> int:
        """Wait until no connection leads to an instance; after `limit` seconds cut those that do. How many were cut."""
        deadline = time.monotonic() + limit
        while lines := [line for door in self.doors.values() for line in door.with_instance(instance)]:
            now = time.monotonic()
            if now >= deadline:
                for line in lines:
                    line.abort()
                return len(lines)
            for line in lines:
                line.leave_if_quiet(now)
            await self._fewer(lines[0].door, min(TICK, deadline - now))
        return 0

    async def _fewer(self, door: Door, limit: float) -> None:
        door.fewer.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await door.fewer.wait()

    def knock(self, name: str) -> None:
        self.tell({"knock": name})

    # --- talking

    def tell(self, message: Message) -> None:
        for writer in list(self.clients):
            _write(writer, message)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a supervisor. Requests are carried out side by side: some of them wait."""
        self.clients.add(writer)
        for door in self.doors.values():
            if door.waits:
                _write(writer, {"knock": door.name})
        try:
            while line := await reader.readline():
                task = asyncio.get_running_loop().create_task(self._answer(writer, line))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except (OSError, ValueError):
            return
        finally:
            self.clients.discard(writer)
            self.needed_at = time.monotonic()
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, line: bytes) -> None:
        n = 0
        try:
            request = json.loads(line)
            n = request["n"]
            reply = await self.handle(request)
        except OSError as exc:
            reply = {"error": exc.strerror or str(exc), "errno": exc.errno or errno.EIO}
        except (ValueError, KeyError, TypeError) as exc:
            reply = {"error": f"bad request: {exc!r}", "errno": errno.EINVAL}
        _write(writer, {"n": n, **reply})

    # --- the loop

    async def run(self) -> None:
        """Serve until told to quit, or until nobody needs it any more."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket_path)
        mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self.serve, self.socket_path, limit=_LINE_LIMIT)
        finally:
            os.umask(mask)
        os.write(1, b"ready\n")
        while not self.done.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SLOW_TICK):
                    await self.done.wait()
            self._look_around()
        server.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket_path)

    def _look_around(self) -> None:
        for door in self.doors.values():
            if door.idle is not None and door.instance and not door.asleep and door.idle_for >= door.idle:
                self.tell({"idle": door.name, "instance": door.instance, "for": door.idle_for})
        if self.doors or self.clients:
            self.needed_at = time.monotonic()
        abandoned = not self.clients and not os.path.exists(self.socket_path)
        if abandoned or time.monotonic() - self.needed_at >= IDLE_LIFE:
            self.done.set()


def _described(door: Door) -> Message:
    return {
        "name": door.name,
        "host": door.host,
        "port": door.port,
        "instance": door.instance,
        "asleep": door.asleep,
        "lines": len(door.lines),
    }


def _write(writer: asyncio.StreamWriter, message: Message) -> None:
    if not writer.is_closing():
        writer.write(json.dumps(message).encode() + b"\n")


def main(socket_path: str) -> None:
    """Run a porter until nobody needs it. Terminals that close and Ctrl-C are none of its business."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

    async def serve() -> None:
        await Porter(socket_path).run()

    asyncio.run(serve())


if __name__ == "__main__":
    main(sys.argv[1])
