"""The supervisor's end of the line to the keeper."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devbox.domain.errors import EngineUnavailable

Record = dict[str, Any]

_START_LIMIT = 10.0
_ANSWER_LIMIT = 30.0
_LINE_LIMIT = 64 * 1024 * 1024


class KeeperRefused(Exception):
    """The keeper could not do what it was asked; `errno` and `path` are what the system call said."""

    def __init__(self, message: str, errno: int, path: str | None) -> None:
        super().__init__(message)
        self.errno = errno
        self.path = path


class KeeperLink:
    """A connection to the project's keeper, which is started when there is none.

    `on_exit` is called with the record of each process that ends. When the keeper dies, `on_reconnect` is called after
    a new one has taken over the records.
    """

    def __init__(
        self,
        socket: Path,
        records: Path,
        log: Path,
        *,
        on_exit: Callable[[Record, bool], None],
        on_reconnect: Callable[[], None],
    ) -> None:
        self._socket, self._records, self._log = socket, records, log
        self._on_exit, self._on_reconnect = on_exit, on_reconnect
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def request(self, op: str, *, limit: float = _ANSWER_LIMIT, **fields: object) -> dict[str, Any]:
        """Ask the keeper, and wait `limit` seconds at most for its answer.

        Raises KeeperRefused with what went wrong, EngineUnavailable when the keeper cannot be reached.
        """
        writer = await self._connected()
        n = next(self._numbers)
        answer = self._waiting[n] = asyncio.get_running_loop().create_future()
        try:
            writer.write(json.dumps({"n": n, "op": op, **fields}).encode() + b"\n")
            await writer.drain()
            reply: dict[str, Any] = await asyncio.wait_for(answer, limit)
        except (TimeoutError, OSError) as exc:
            raise EngineUnavailable(f"the keeper of host processes did not answer to {op}") from exc
        finally:
            self._waiting.pop(n, None)
        if "error" in reply:
            raise KeeperRefused(reply["error"], reply.get("errno", 0), reply.get("path"))
        return reply

    async def close(self, *, quit_keeper: bool) -> None:
        """Let go of the keeper; with `quit_keeper`, tell it to end if it has no children."""
        self._closed = True
        if quit_keeper and self._writer is not None:
            with contextlib.suppress(EngineUnavailable, KeeperRefused):
                await self.request("quit", limit=2.0)
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None or self._writer.is_closing():
                reader, self._writer = await self._connect()
                self._reading = asyncio.create_task(self._read(reader))
            return self._writer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(str(self._socket), limit=_LINE_LIMIT)
        except OSError:
            await self._start()
            return await asyncio.open_unix_connection(str(self._socket), limit=_LINE_LIMIT)

    async def _start(self) -> None:
        program = Path(__file__).with_name("keeper.py")
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(program), str(self._socket), str(self._records)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )
        words = process.stdout
        if words is None or not await asyncio.wait_for(words.readline(), _START_LIMIT):
            raise EngineUnavailable("the keeper of host processes did not start", hint=f"Its words are in {self._log}.")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self._take(json.loads(line))
        self._lost()

    def _take(self, message: dict[str, Any]) -> None:
        if "exit" in message:
            self._on_exit(message["exit"], bool(message.get("clean")))
        elif (answer := self._waiting.get(message["n"])) is not None and not answer.done():
            answer.set_result(message)

    def _lost(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("the keeper ended"))
        if self._writer is not None:
            self._writer.close()
        if not self._closed:
            self._on_reconnect()
