"""A command on a real pseudo terminal: what is typed, what is shown, the terminal's size and its modes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_LIMIT = 20.0
_CHUNK = 65536


class PseudoTerminal:
    """One command at a terminal of its own, in a session of its own as a shell would have it."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], lines: int, columns: int) -> None:
        self._master, self._slave = pty.openpty()
        self.shown = ""
        self.resize(lines, columns)
        self.modes_before = self.modes()
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**env, "TERM": "xterm"},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def modes(self) -> list[object]:
        """The terminal's modes, as termios has them."""
        return list(termios.tcgetattr(self._slave))

    def resize(self, lines: int, columns: int) -> None:
        """Another size, as when a person drags a corner: whoever is in front gets a SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, words: str) -> None:
        """Read until these words are shown."""
        deadline = time.monotonic() + _LIMIT
        while words not in self.shown:
            left = deadline - time.monotonic()
            assert left > 0, f"{words!r} was not shown:\n{self.shown}"
            self._read(min(left, 0.1))

    def ended(self) -> int:
        """The exit code, once the command has ended; all that it showed is read."""
        deadline = time.monotonic() + _LIMIT
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end:\n{self.shown}"
            self._read(0.1)
        while self._read(0.0):
            pass
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(_LIMIT)
        os.close(self._master)
        os.close(self._slave)

    def _read(self, limit: float) -> bool:
        if not select.select([self._master], [], [], limit)[0]:
            return False
        self.shown += os.read(self._master, _CHUNK).decode(errors="replace")
        return True


@contextmanager
def at_a_terminal(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], lines: int = 24, columns: int = 80
) -> Iterator[PseudoTerminal]:
    """A command at a terminal, ended afterwards if it goes on."""
    terminal = PseudoTerminal(argv, cwd, env, lines, columns)
    try:
        yield terminal
    finally:
        terminal.close()
