"""Containers' output, copied from the engine into the same files that host processes write to.

The engine numbers nothing, but it stamps every line with a time in nanoseconds. The last one that was written is kept
beside the file with the sizes that the files had then, so that a copy which was interrupted at any point goes on where
it stopped, with nothing lost or doubled.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devbox.runtimes.base import LogFiles

if TYPE_CHECKING:
    from docker import APIClient

_HEADER = 8
_STDERR = 2
_CHUNK = 256 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a container's output has been copied: the stamp of its last line, and the sizes of the two files then."""

    container: str
    stamp: str
    sizes: tuple[int, int]

    @classmethod
    def read(cls, path: Path, container: str) -> Cursor | None:
        """The cursor that was kept for this container; None where there is none."""
        with suppress(OSError, ValueError):
            words = path.read_text().split()
            if len(words) == 4 and words[0] == container:
                return cls(container, words[1], (int(words[2]), int(words[3])))
        return None

    def __str__(self) -> str:
        return f"{self.container} {self.stamp} {self.sizes[0]} {self.sizes[1]}"


class LogCopier:
    """Copies the output of one container, on a thread of its own, until the container ends or the copier is closed.

    With a terminal (`tty`) the output comes as it was written, without a word on which stream it was.
    """

    def __init__(self, client: APIClient, container: str, files: LogFiles, *, tty: bool = False) -> None:
        self._client, self._container, self._files, self._tty = client, container, files, tty
        self._cursor = files.stdout.with_name(f"{files.stdout.name}.cursor")
        self._response: Any = None
        self._thread = threading.Thread(target=self._run, name=f"logs {container[:12]}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it still copies."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop copying."""
        if self._response is not None:
            with suppress(OSError, AttributeError):
                self._response.close()

    def _run(self) -> None:
        try:
            self._copy()
        except Exception as exc:
            # The engine went away, or the stream was closed: the next look at it starts another copier.
            log.info("copying the output of %s ended: %r", self._container[:12], exc)

    def _copy(self) -> None:
        known = Cursor.read(self._cursor, self._container)
        copied = known.stamp if known else ""
        parameters = {"follow": 1, "stdout": 1, "stderr": 1, "timestamps": 1, "since": _since(copied)}
        url = self._client._url("/containers/{0}/logs", self._container)
        self._response = self._client.get(url, params=parameters, stream=True, timeout=None)
        self._response.raise_for_status()
        self._files.stdout.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        chunks = self._response.raw.stream(_CHUNK, decode_content=False)
        records = _lines(chunks) if self._tty else _frames(chunks)
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        out, err = os.open(self._files.stdout, mode, 0o600), os.open(self._files.stderr, mode, 0o600)
        try:
            if known is not None:
                _forget_what_is_beyond(known.sizes, (out, err))
            for batch in records:
                # Parts of one long line share a stamp, so only what an earlier copy has written is left out.
                fresh = [(on_err, stamp, text) for on_err, stamp, text in batch if stamp > copied]
                self._write(out, [text for on_err, _, text in fresh if not on_err])
                self._write(err, [text for on_err, _, text in fresh if on_err])
                if fresh:
                    sizes = (os.fstat(out).st_size, os.fstat(err).st_size)
                    self._cursor.write_text(str(Cursor(self._container, fresh[-1][1], sizes)))
        finally:
            os.close(out)
            os.close(err)

    def _write(self, file: int, texts: list[bytes]) -> None:
        data = b"".join(texts)
        while data:
            data = data[os.write(file, data) :]


_Record = tuple[bool, str, bytes]
"""Whether it came on stderr, the engine's stamp, and the text."""


def _forget_what_is_beyond(sizes: tuple[int, int], files: tuple[int, int]) -> None:
    """Cut off what was written and not noted before the last copier was killed: it comes again."""
    for size, file in zip(sizes, files, strict=True):
        if os.fstat(file).st_size > size:
            os.ftruncate(file, size)


def _frames(chunks: Iterator[bytes]) -> Iterator[list[_Record]]:
    """The records of a multiplexed stream (Engine API, `ContainerAttach`): a header with stream and length, a body."""
    pending = b""
    for chunk in chunks:
        pending += chunk
        batch, at = [], 0
        while len(pending) - at >= _HEADER:
            end = at + _HEADER + int.from_bytes(pending[at + 4 : at + 8], "big")
            if len(pending) < end:
                break
            batch.append(_record(pending[at] == _STDERR, pending[at + _HEADER : end]))
            at = end
        pending = pending[at:]
        yield batch


def _lines(chunks: Iterator[bytes]) -> Iterator[list[_Record]]:
    """The records of a terminal's stream, line by line."""
    pending = b""
    for chunk in chunks:
        *whole, pending = (pending + chunk).split(b"\n")
        yield [_record(False, line.removesuffix(b"\r") + b"\n") for line in whole]
    if pending:
        yield [_record(False, pending)]


def _record(on_err: bool, body: bytes) -> _Record:
    stamp, _, text = body.partition(b" ")
    return on_err, stamp.decode("ascii", "replace"), text


def _since(stamp: str) -> str:
    """A stamp of the engine as what its `since` takes: seconds and nanoseconds. Everything, where there is none."""
    if not stamp:
        return "0"
    from datetime import datetime

    head, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{head}+00:00").timestamp())
    return f"{seconds}.{fraction.ljust(9, '0')}"
