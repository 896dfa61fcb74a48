"""A person's terminal joined to a program in a container: bytes both ways, raw mode, its size, its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

_CHUNK = 64 * 1024
_HEADER = 8
_STDERR = 2
_RESIZE_PAUSES = (0.02, 0.05, 0.1, 0.2)
_LAST_RESIZE = 1.0


@contextlib.contextmanager
def raw_mode() -> Iterator[None]:
    """The terminal on stdin passes every key on as it is; afterwards it is as it was."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        # What was typed ahead is kept: it is for the program that is about to start.
        tty.setraw(sys.stdin, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextlib.contextmanager
def followed_size(resize: Callable[[int, int], None]) -> Iterator[None]:
    """`resize(height, width)` is told of the terminal's size now, and whenever it changes.

    It is called on a thread, one size after the other: a signal handler may come in the middle of another request.
    """
    news, tell = os.pipe()
    os.set_blocking(tell, False)

    def note(*_: object) -> None:
        # A full pipe holds news enough.
        with contextlib.suppress(BlockingIOError):
            os.write(tell, b".")

    before = signal.signal(signal.SIGWINCH, note)
    note()
    thread = threading.Thread(target=_follow, args=(news, resize), name="terminal size", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(tell)
        thread.join(_LAST_RESIZE)
        if not thread.is_alive():
            os.close(news)


def _follow(news: int, resize: Callable[[int, int], None]) -> None:
    while os.read(news, _CHUNK):
        size = os.get_terminal_size(sys.stdout.fileno())
        for pause in _RESIZE_PAUSES:
            try:
                resize(size.lines, size.columns)
                break
            except Exception:
                # The program has not started yet, or has ended and has no terminal to resize any more.
                time.sleep(pause)


def plain_socket(stream: Any) -> socket.socket:
    """The socket beneath what the SDK returns for a hijacked connection."""
    found: socket.socket = getattr(stream, "_sock", stream)
    found.settimeout(None)
    return found


def join(connection: socket.socket, *, tty: bool, stdin: bool) -> None:
    """Copy stdin to the program and its output to stdout and stderr, until its output ends."""
    show = _show_as_it_is if tty else _Demultiplexer().show
    sources: list[Any] = [connection, sys.stdin.fileno()] if stdin else [connection]
    while True:
        ready = [connection] if _pending(connection) else select.select(sources, [], [])[0]
        if connection in ready:
            data = connection.recv(_CHUNK)
            if not data:
                return
            show(data)
        elif ready:
            typed = os.read(sys.stdin.fileno(), _CHUNK)
            if typed:
                connection.sendall(typed)
                continue
            sources.remove(sys.stdin.fileno())
            _say_no_more(connection)


def _say_no_more(connection: socket.socket) -> None:
    """Tell the program that its input has ended; what it says is still heard."""
    with contextlib.suppress(OSError):
        if not isinstance(connection, ssl.SSLSocket):
            connection.shutdown(socket.SHUT_WR)
            return
        # `shutdown` would take the encryption off. `unwrap` sends TLS's own farewell, then waits for one: not here.
        connection.setblocking(False)
        try:
            connection.unwrap()
        finally:
            connection.setblocking(True)


def _pending(connection: Any) -> bool:
    """Whether bytes lie decrypted in a TLS connection, where `select` does not see them."""
    pending = getattr(connection, "pending", None)
    return bool(pending and pending())


def _show_as_it_is(data: bytes) -> None:
    _write(sys.stdout.fileno(), data)


class _Demultiplexer:
    """Tells stdout from stderr in a stream without a terminal."""

    def __init__(self) -> None:
        self._rest = b""

    def show(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= _HEADER:
            end = _HEADER + int.from_bytes(self._rest[4:8], "big")
            if len(self._rest) < end:
                return
            target = sys.stderr if self._rest[0] == _STDERR else sys.stdout
            _write(target.fileno(), self._rest[_HEADER:end])
            self._rest = self._rest[end:]


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
