"""Containers' output, copied from the engine into the same files that host processes write to.

The engine numbers nothing, but it stamps every line with a time in nanoseconds: the last one that was written is kept
beside the file, so that a copy which was interrupted goes on where it stopped, with nothing lost or doubled.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from devbox.runtimes.base import LogFiles

if TYPE_CHECKING:
    from docker import APIClient

_HEADER = 8
_STDERR = 2

log = logging.getLogger(__name__)


class LogCopier:
    """Copies the output of one container, on a thread of its own, until the container ends or the copier is closed."""

    def __init__(self, client: APIClient, container: str, files: LogFiles) -> None:
        self._client, self._container, self._files = client, container, files
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
        last = self._read_cursor()
        parameters = {"follow": 1, "stdout": 1, "stderr": 1, "timestamps": 1, "since": _since(last)}
        url = self._client._url("/containers/{0}/logs", self._container)
        self._response = self._client.get(url, params=parameters, stream=True, timeout=None)
        self._response.raise_for_status()
        self._files.stdout.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        raw = self._response.raw
        with self._files.stdout.open("ab", buffering=0) as out, self._files.stderr.open("ab", buffering=0) as err:
            while header := _exactly(raw, _HEADER):
                body = _exactly(raw, int.from_bytes(header[4:8], "big"))
                last = self._write(err if header[0] == _STDERR else out, body, last)

    def _write(self, file: BinaryIO, body: bytes, last: str) -> str:
        stamp, _, line = body.partition(b" ")
        at = stamp.decode("ascii", "replace")
        if at <= last:
            return last
        file.write(line)
        self._cursor.write_text(f"{self._container} {at}")
        return at

    def _read_cursor(self) -> str:
        try:
            container, _, at = self._cursor.read_text().partition(" ")
        except OSError:
            return ""
        return at if container == self._container else ""


def _since(stamp: str) -> str:
    """A stamp of the engine as what its `since` takes: seconds and nanoseconds. Everything, where there is none."""
    if not stamp:
        return "0"
    from datetime import datetime

    head, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{head}+00:00").timestamp())
    return f"{seconds}.{fraction.ljust(9, '0')}"


def _exactly(raw: Any, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = raw.read(size - len(data))
        if not piece:
            return b""
        data += piece
    return data
