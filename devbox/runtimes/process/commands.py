"""Commands run beside a service: exec probes, preparations. They never outlive the time they are given."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping

from devbox.runtimes.base import ExecResult

_OUTPUT_KEPT = 64 * 1024


async def run_command(argv: tuple[str, ...], *, env: Mapping[str, str], cwd: str, limit: float) -> ExecResult:
    """Run `argv` for `limit` seconds at most; its output (both streams, the last 64 KiB) and exit code.

    A command that cannot be started counts as one that exited with 127, as in a shell.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as exc:
        return ExecResult(127, f"cannot run {argv[0]}: {exc.strerror}")
    output = bytearray()
    try:
        async with asyncio.timeout(limit):
            await _gather_output(process, output)
            code: int | None = await process.wait()
    except TimeoutError:
        code = None
    finally:
        await _kill_group(process)
    return ExecResult(code, output.decode("utf-8", "replace"))


async def _gather_output(process: asyncio.subprocess.Process, output: bytearray) -> None:
    stream = process.stdout
    while stream is not None and (data := await stream.read(1 << 16)):
        output += data
        del output[:-_OUTPUT_KEPT]


async def _kill_group(process: asyncio.subprocess.Process) -> None:
    """End what is left of the command. As long as it is not reaped its pid, and so its group, is nobody else's."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
