"""The supervisor's end of the line to the porter."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devbox.domain.errors import EngineUnavailable, StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.base import DoorTarget
from devbox.runtimes.process.ports import holder

_START_LIMIT = 10.0
_ANSWER_LIMIT = 10.0
_LINE_LIMIT = 1 << 20
_ROOT = Path(__file__).parents[3]
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[2]); from devbox.runtimes.door.porter import main; main(sys.argv[1])"
)


class PorterLink:
    """A connection to the project's porter, which is started when there is none.

    `on_knock` and `on_idle` are told the name of a door (and the instance behind it), `on_lost` that the porter died
    with every door it had.
    """

    def __init__(self, socket: Path, log: Path) -> None:
        self._socket, self._log = socket, log
        self.on_knock: Callable[[str], None] = lambda _: None
        self.on_idle: Callable[[str, str, float], None] = lambda *_: None
        self.on_lost: Callable[[], None] = lambda: None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def open(self, name: str, host: str, port: int) -> None:
        """Have a door at a place. Raises StepError where somebody else has the port."""
        reply = await self._request("open", name=name, host=host, port=port)
        if reply.get("errno") == errno.EADDRINUSE:
            words = f"port {port} is taken by {holder(port)}"
            hint = "End that process, or give the service another port."
            raise StepError(Failure(FailureKind.PORT_TAKEN, words, hint=hint))
        if "error" in reply:
            raise StepError(Failure(FailureKind.ENGINE, f"cannot listen on {host}:{port}: {reply['error']}"))

    async def point(self, name: str, target: DoorTarget) -> None:
        """Lead a door to an instance."""
        fields: dict[str, Any] = {
            "instance": target.instance,
            "port": target.port,
            "asleep": target.asleep,
            "idle": target.idle,
        }
        reply = await self._request("point", name=name, **fields)
        if "error" in reply:
            raise EngineUnavailable(f"the door {name} could not be switched: {reply['error']}")

    async def drain(self, instance: str, limit: float) -> int:
        """Wait until nobody's connection leads to an instance; how many had to be cut after `limit` seconds."""
        reply = await self._request("drain", limit=limit + _ANSWER_LIMIT, instance=instance, bound=limit)
        return int(reply.get("cut", 0))

    async def close_door(self, name: str) -> None:
        await self._request("close", name=name)

    async def names(self) -> tuple[str, ...]:
        """The doors that a porter keeps already. None is started to answer that."""
        if self._writer is None and not await asyncio.to_thread(self._socket.exists):
            return ()
        try:
            reply = await self._request("list", start=False)
        except EngineUnavailable:
            return ()
        return tuple(door["name"] for door in reply["doors"])

    async def close(self, *, quit_porter: bool) -> None:
        """Let go of the porter; with `quit_porter`, tell it to end if it has no doors."""
        self._closed = True
        if quit_porter and self._writer is not None:
            with contextlib.suppress(EngineUnavailable):
                await self._request("quit", limit=2.0)
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    # --- talking

    async def _request(
        self, op: str, *, limit: float = _ANSWER_LIMIT, start: bool = True, bound: float | None = None, **fields: Any
    ) -> dict[str, Any]:
        writer = await self._connected(start=start)
        n = next(self._numbers)
        answer = self._waiting[n] = asyncio.get_running_loop().create_future()
        if bound is not None:
            fields["limit"] = bound
        try:
            writer.write(json.dumps({"n": n, "op": op, **fields}).encode() + b"\n")
            await writer.drain()
            return await asyncio.wait_for(answer, limit)
        except (TimeoutError, OSError) as exc:
            raise EngineUnavailable(f"the keeper of doors did not answer to {op}") from exc
        finally:
            self._waiting.pop(n, None)

    async def _connected(self, *, start: bool) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None or self._writer.is_closing():
                reader, self._writer = await self._connect(start=start)
                self._reading = asyncio.create_task(self._read(reader))
            return self._writer

    async def _connect(self, *, start: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(str(self._socket), limit=_LINE_LIMIT)
        except OSError as exc:
            if not start:
                raise EngineUnavailable("there is no keeper of doors") from exc
            await self._start()
            return await asyncio.open_unix_connection(str(self._socket), limit=_LINE_LIMIT)

    async def _start(self) -> None:
        self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _PROGRAM, str(self._socket), str(_ROOT)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )
        words = process.stdout
        if words is None or not await asyncio.wait_for(words.readline(), _START_LIMIT):
            raise EngineUnavailable("the keeper of doors did not start", hint=f"Its words are in {self._log}.")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self._take(json.loads(line))
        self._lost()

    def _take(self, message: dict[str, Any]) -> None:
        if "knock" in message:
            self.on_knock(message["knock"])
        elif "idle" in message:
            self.on_idle(message["idle"], message["instance"], message["for"])
        elif (answer := self._waiting.get(message["n"])) is not None and not answer.done():
            answer.set_result(message)

    def _lost(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("the keeper of doors ended"))
        if self._writer is not None:
            self._writer.close()
        if not self._closed:
            self.on_lost()
