"""Containers' output, copied from the engine into the same files that host processes write to.

The engine numbers nothing, but it stamps every line with a time in nanoseconds, and the lines of one stream bear stamps
in order. Beside the files is kept, for each stream, a stamp and how long the file was before the first line that bears
it or a later one. A copy that was interrupted at any point asks for everything since that stamp, and leaves out as many
bytes as the file has grown by: nothing is lost or doubled.

The engine sends a frame for each line. Asked by HTTP/1.0 it does not wrap each of them into a chunk of HTTP besides,
which would cost more than all the rest.
"""

from __future__ import annotations

import http.client
import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from devbox.runtimes.base import LogFiles

if TYPE_CHECKING:
    from docker import APIClient

_HEADER = struct.Struct(">B3xI")
_STDERR = 2
_STAMP = 30
"""Characters of a stamp as the engine writes it: 2006-01-02T15:04:05.000000000Z."""

_READ = 1 << 20
_WANTED, _PLENTY = 12 << 10, 24 << 10
"""Bytes that are worth a turn, and those from which on a stream is not paused at all.

The engine writes line by line into a socket that holds about 32 KiB of short lines: it must not stand still for us.
"""

_SHORTEST, _LONGEST = 0.0005, 0.01
_CURSOR_SIZE = 256
_ORDERLY = 2.0
"""Seconds by which lines of the two streams may come out of the order of their stamps."""

_CLOCKS = 5.0
"""Seconds by which the engine's clock may be ahead of this machine's."""

log = logging.getLogger(__name__)


@dataclass
class Side:
    """One of the two streams: its file, and what of it is known to be there.

    `base` is how long the file was before the first line with a stamp of `stamp` or later. `skip` is how many bytes
    of what comes are in the file already, none with a stamp after `known`. `last` is the latest stamp that was written.
    """

    file: int
    base: int
    stamp: str = ""
    skip: int = 0
    known: str = ""
    last: str = ""

    @property
    def size(self) -> int:
        return os.fstat(self.file).st_size

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.file, data) :]

    def advance(self, stamp: str, size: int) -> None:
        """Everything with an earlier stamp is in the first `size` bytes of the file."""
        if stamp > self.last:
            self.stamp, self.base = stamp, size


@dataclass
class Batch:
    """What came at once for one stream: the texts, and the stamps of the first and the last of them."""

    texts: list[bytes] = field(default_factory=list)
    first: str = ""
    last: str = ""


_Record = tuple[bool, str, bytes]
"""Whether it came on stderr, the engine's stamp, and the text."""


class Frames:
    """The records of a multiplexed stream (Engine API, `ContainerAttach`): a header with stream and length, a body."""

    def __init__(self) -> None:
        self._pending = b""
        self._whole = b""

    def feed(self, data: bytes) -> tuple[Batch, Batch] | None:
        """The texts of stdout and stderr in what came; None where they must be taken `one_by_one`."""
        data = self._pending + data if self._pending else data
        texts: tuple[list[bytes], list[bytes]] = ([], [])
        add, add_err, unpack, size, end = texts[0].append, texts[1].append, _HEADER.unpack_from, len(data), 0
        first, last, usual = [-1, -1], [-1, -1], True
        # A turn for each line that any container prints: nothing here that could be done outside.
        while (body := end + 8) <= size:
            kind, length = unpack(data, end)
            if (after := body + length) > size:
                break
            usual = usual and data[body + 29 : body + 31] == b"Z "
            on_err = kind == _STDERR
            (add_err if on_err else add)(data[body + 31 : after])
            if first[on_err] < 0:
                first[on_err] = body
            last[on_err] = body
            end = after
        self._whole, self._pending = data[:end], data[end:]
        if not usual:
            return None
        out, err = (
            Batch(part, _stamp(data, first[on_err]), _stamp(data, last[on_err])) for on_err, part in enumerate(texts)
        )
        return out, err

    def one_by_one(self) -> Iterator[_Record]:
        """The records that the last `feed` was given."""
        at = 0
        while at < len(self._whole):
            kind, length = _HEADER.unpack_from(self._whole, at)
            stamp, _, text = self._whole[at + 8 : at + 8 + length].partition(b" ")
            yield kind == _STDERR, stamp.decode("ascii", "replace"), text
            at += 8 + length

    def end(self) -> bool:
        """Nothing more comes; whether that leaves anything to take."""
        return False


class Lines:
    """The records of a terminal's stream, line by line."""

    def __init__(self) -> None:
        self._pending = b""
        self._whole: list[bytes] = []

    def feed(self, data: bytes) -> tuple[Batch, Batch] | None:
        *self._whole, self._pending = (self._pending + data).split(b"\n")
        return None

    def one_by_one(self) -> Iterator[_Record]:
        for line in self._whole:
            stamp, _, text = line.removesuffix(b"\r").partition(b" ")
            yield False, stamp.decode("ascii", "replace"), text + b"\n"

    def end(self) -> bool:
        self._whole = [self._pending] if self._pending else []
        return bool(self._whole)


class Pace:
    """How long to let a stream gather before the next read: a turn for each line would cost more than the lines.

    What came since the last turn says how fast lines come. A stream that is quiet loses at most `_LONGEST` seconds.
    """

    def __init__(self, now: float) -> None:
        self._last = now

    def after(self, size: int, now: float) -> float:
        """The pause in seconds after a read of so many bytes, which ended at `now` (seconds of any clock)."""
        passed, self._last = now - self._last, now
        return 0.0 if size >= _PLENTY else min(max(_WANTED * passed / max(size, 1), _SHORTEST), _LONGEST)


def _stamp(data: bytes, at: int) -> str:
    return data[at : at + _STAMP].decode("ascii", "replace") if at >= 0 else ""


class LogCopier:
    """Copies the output of one container, on a thread of its own, until the container ends or the copier is closed.

    With a terminal (`tty`) the output comes as it was written, without a word on which stream it was.
    """

    def __init__(self, client: APIClient, container: str, files: LogFiles, *, tty: bool = False) -> None:
        self._client, self._container, self._files, self._tty = client, container, files, tty
        self._cursor = files.stdout.with_name(f"{files.stdout.name}.cursor")
        self._connection: http.client.HTTPConnection | None = None
        self._closed = False
        self.ended_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"logs {container[:12]}", daemon=True)
        self._thread.start()

    def is_done_with(self, finished_at: float | None) -> bool:
        """Whether it copies still, or did until after the container had ended (at `finished_at`, if it has)."""
        if self._thread.is_alive() and self.ended_at is None:
            return True
        return finished_at is not None and (self.ended_at or 0.0) >= finished_at

    def close(self) -> None:
        """Stop copying."""
        self._closed = True
        if self._connection is not None and self._connection.sock is not None:
            with suppress(OSError, AttributeError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            self._copy()
        except Exception as exc:
            # The engine went away, or the stream was closed: the next look at it starts another copier.
            log.info("copying the output of %s ended: %r", self._container[:12], exc)
        finally:
            self.ended_at = time.time()

    def _copy(self) -> None:
        self._files.stdout.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        opened = [os.open(path, mode, 0o600) for path in (self._files.stdout, self._files.stderr)]
        opened.append(os.open(self._cursor, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            out, err = self._resume(Side(opened[0], 0), Side(opened[1], 0), opened[2])
            records = Lines() if self._tty else Frames()
            for data in self._bytes(min(out.stamp, err.stamp)):
                _take(records.feed(data), records, out, err)
                self._note(opened[2], out, err)
            if records.end():
                _take(None, records, out, err)
        finally:
            for file in opened:
                os.close(file)
            if self._connection is not None:
                self._connection.close()

    # --- where a copy is

    def _resume(self, out: Side, err: Side, cursor: int) -> tuple[Side, Side]:
        words = os.pread(cursor, _CURSOR_SIZE, 0).decode("ascii", "replace").split()
        for side, at in ((out, 1), (err, 3)):
            if len(words) == 5 and words[0] == self._container:
                side.stamp, side.base = words[at].strip("-"), int(words[at + 1])
                side.skip = max(0, side.size - side.base)
                side.known = _stamp_of(os.fstat(side.file).st_mtime + _CLOCKS)
            else:
                side.base = side.size
        self._note(cursor, out, err)
        return out, err

    def _note(self, cursor: int, out: Side, err: Side) -> None:
        """Keep where the copy is, in one write: a kill finds the old cursor or the new one."""
        words = (self._container, out.stamp or "-", out.base, err.stamp or "-", err.base)
        os.pwrite(cursor, " ".join(map(str, words)).ljust(_CURSOR_SIZE).encode(), 0)

    # --- what comes

    def _bytes(self, stamp: str) -> Iterator[bytes]:
        parameters = {"follow": 1, "stdout": 1, "stderr": 1, "timestamps": 1, "since": _since(stamp)}
        url = f"{self._client._url('/containers/{0}/logs', self._container)}?{urlencode(parameters)}"
        self._connection = _connection(self._client, url)
        parts = urlsplit(url)
        self._connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc or "docker"})
        if self._connection.sock is not None:
            self._connection.sock.settimeout(None)
        response = http.client.HTTPConnection.getresponse(self._connection)
        if response.status != 200:
            raise OSError(f"{response.status} {response.reason}: {response.read(1000)!r}")
        pace = Pace(time.monotonic())
        while not self._closed and (data := response.read1(_READ)):
            yield data
            if (pause := pace.after(len(data), time.monotonic())) > 0:
                time.sleep(pause)


def _take(batches: tuple[Batch, Batch] | None, records: Frames | Lines, out: Side, err: Side) -> None:
    """Write what came, and move the cursors on."""
    if batches is None or not all(map(_in_step, (out, err), batches)):
        _catch_up(records.one_by_one(), out, err)
        return
    sizes = (out.size, err.size)
    for side, batch, size in zip((out, err), batches, sizes, strict=True):
        if batch.first:
            side.advance(batch.first, size)
            side.last = batch.last
    _follow_the_other(out, err, batches, sizes)
    for side, batch in zip((out, err), batches, strict=True):
        side.write(b"".join(batch.texts))


def _in_step(side: Side, batch: Batch) -> bool:
    """Whether all of a batch is new."""
    return side.skip == 0 and (not batch.first or batch.first >= side.stamp)


def _follow_the_other(out: Side, err: Side, batches: tuple[Batch, Batch], sizes: tuple[int, int]) -> None:
    """Have the cursor of a stream that says nothing stay close behind the other's."""
    for side, size, batch, other in ((err, sizes[1], batches[1], out), (out, sizes[0], batches[0], err)):
        if not batch.first and other.stamp[:19] > side.stamp[:19]:
            earlier = _earlier(other.stamp)
            if earlier > side.stamp:
                side.advance(earlier, size)


def _catch_up(records: Iterator[_Record], out: Side, err: Side) -> None:
    """Write what is not in the files yet, record by record."""
    for on_err, stamp, text in records:
        side = err if on_err else out
        if stamp < side.stamp:
            continue
        if stamp > side.known:
            # What was to be left out is gone from the engine's own log.
            side.skip = 0
        skipped = min(side.skip, len(text))
        side.skip -= skipped
        if skipped < len(text):
            side.advance(stamp, side.size - skipped)
            side.write(text[skipped:])
        side.last = max(side.last, stamp)


def _connection(client: APIClient, url: str) -> http.client.HTTPConnection:
    """A connection of its own to wherever the client's go, that speaks HTTP/1.0."""
    import requests

    request = client.prepare_request(requests.Request("GET", url))
    adapter: Any = client.get_adapter(url)
    pool = adapter.get_connection_with_tls_context(request, client.verify, cert=client.cert)
    connection: http.client.HTTPConnection = pool._new_conn()
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
    return connection


def _earlier(stamp: str) -> str:
    """A stamp some time before another one."""
    return _stamp_of(datetime.fromisoformat(f"{stamp[:19]}+00:00").timestamp() - _ORDERLY)


def _stamp_of(at: float) -> str:
    """A time in seconds since the epoch as the engine would write it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.000000000Z"


def _since(stamp: str) -> str:
    """A stamp of the engine as what its `since` takes: seconds and nanoseconds. Everything, where there is none."""
    if not stamp:
        return "0"
    head, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{head}+00:00").timestamp())
    return f"{seconds}.{fraction.ljust(9, '0')}"
