"""What the panel does outside of itself: it runs `devbox` for what needs a terminal or a stream, and writes files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 1 << 20
"""Bytes of a line that are read as one."""

_PATIENCE = 5.0
"""Seconds that a program is given to end when nobody listens to it any more."""


@dataclass(frozen=True, slots=True)
class Program:
    """The command line that the panel belongs to. `argv` starts devbox; the rest names the mesh."""

    argv: tuple[str, ...] = ("devbox",)
    project: str = ""
    files: tuple[str, ...] = ()

    def command(self, *words: str) -> tuple[str, ...]:
        """The arguments of one devbox command on this mesh."""
        files = tuple(word for file in self.files for word in ("-f", file))
        return (*self.argv, *files, "-p", self.project, *words)


def run_here(argv: Sequence[str]) -> int:
    """Run a program on the terminal, and wait for it. The exit code; 127 where it cannot be started."""
    try:
        return subprocess.run(argv, check=False).returncode
    except OSError:
        return 127


async def output_of(argv: Sequence[str]) -> AsyncIterator[str]:
    """The lines of a program as they come, both streams together. The last one says how it ended.

    It is ended when nobody wants its lines any more.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LONGEST,
        )
    except OSError as error:
        yield f"could not start {argv[0]}: {error.strerror}"
        return
    assert process.stdout is not None
    try:
        while line := await _line(process.stdout):
            yield line.decode(errors="replace").rstrip("\r\n")
        code = await process.wait()
        yield "done" if code == 0 else f"ended with {code}"
    finally:
        await _end(process)


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # longer than the limit, and dropped by the reader
        return b"(a line of more than a megabyte was left out)\n"


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def save_lines(lines: Iterable[str], name: str, folder: Path | None = None) -> Path:
    """Write lines to a new file in the current folder, or in `folder`. Raises OSError where that cannot be."""
    wanted = (folder or Path.cwd()) / name
    for number in range(1000):
        path = wanted if number == 0 else wanted.with_stem(f"{wanted.stem}-{number}")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{line}\n" for line in lines)
        return path
    raise FileExistsError(f"there are too many files like {wanted}")
