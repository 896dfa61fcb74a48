"""Commands in containers that are given a time: exec probes, seeds. When it is over, what is left of them is ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from typing import TYPE_CHECKING

from devbox.domain.errors import DevboxError
from devbox.runtimes.base import ExecResult
from devbox.runtimes.docker.engine import EngineLink

if TYPE_CHECKING:
    from docker import APIClient

_MARK = "DEVBOX_EXEC"
_END = """
for file in /proc/[0-9]*/environ; do
  if grep -q "$1" "$file" 2>/dev/null; then pid=${file%/environ}; kill -9 "${pid#/proc/}"; fi
done
"""
"""An engine's API cannot end a command. So each bears a mark in its environment, by which it is found inside."""

_END_LIMIT = 1.5

log = logging.getLogger(__name__)


class BoundedCommands:
    """Runs commands in containers. One that could not be ended is not begun again beside itself."""

    def __init__(self, engine: EngineLink) -> None:
        self._engine = engine
        self._left: dict[tuple[str, tuple[str, ...]], str] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def run(self, container: str, argv: tuple[str, ...], limit: float) -> ExecResult:
        """Run a command for `limit` seconds at most; no exit code means that it took longer."""
        if await self._still_runs(container, argv):
            return ExecResult(None, "")
        mark, made = uuid.uuid4().hex, list[str]()

        def work(client: APIClient) -> ExecResult:
            made.append(client.exec_create(container, list(argv), environment={_MARK: mark})["Id"])
            output = client.exec_start(made[0])
            return _result(client.exec_inspect(made[0])["ExitCode"], output.decode("utf-8", "replace"), argv)

        try:
            async with asyncio.timeout(limit):
                return await self._engine.call(work, waits=True)
        except TimeoutError:
            await self._end(container, argv, mark, made)
            return ExecResult(None, "")
        except asyncio.CancelledError:
            task = asyncio.create_task(self._end(container, argv, mark, made))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            raise
        except DevboxError as exc:
            return _result(126, exc.message, argv)

    async def _still_runs(self, container: str, argv: tuple[str, ...]) -> bool:
        left = self._left.pop((container, argv), None)
        if left is not None and await self._runs(left):
            self._left[container, argv] = left
            return True
        return False

    async def _runs(self, command: str) -> bool:
        try:
            return bool((await self._engine.call(lambda client: client.exec_inspect(command)))["Running"])
        except DevboxError:
            return False

    async def _end(self, container: str, argv: tuple[str, ...], mark: str, made: list[str]) -> None:
        """Kill a command with all that it began. In an image without a shell it is left to itself."""

        def kill(client: APIClient) -> None:
            killer = client.exec_create(container, ["sh", "-c", _END, "sh", mark])["Id"]
            client.exec_start(killer)

        try:
            async with asyncio.timeout(_END_LIMIT):
                with contextlib.suppress(DevboxError):
                    await self._engine.call(kill, waits=True)
                if made and await self._runs(made[0]):
                    log.warning("%s in container %s goes on: the image has no shell to end it", argv[0], container[:12])
                    self._left[container, argv] = made[0]
        except TimeoutError:
            if made:
                self._left[container, argv] = made[0]


def _result(code: int, output: str, argv: tuple[str, ...]) -> ExecResult:
    """How a command ended. Whatever an engine says of a command that is not there, it is as in a shell."""
    if code == 126 and "executable file not found" in output:
        return ExecResult(127, f"the container has no {argv[0]}")
    return ExecResult(code, output)
