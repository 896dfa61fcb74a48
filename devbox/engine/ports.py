"""Which port of the host a service gets when the manifest leaves it open.

The same one each time: it follows from the names of project, service and port, and moves on only where that one is
taken. What was given out is kept in a file as long as the mesh is up.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path

from devbox.domain.spec import Port, UnitKey

FIRST, COUNT = 20000, 12000
"""Picked ports lie below the range from which Linux takes outgoing ones (32768, ip_local_port_range in ip(7))."""

IsFree = Callable[[str, int, str], bool]
"""Whether a server could listen on this host address and port with this protocol."""


class PortBook:
    """The ports given out to one project."""

    def __init__(self, project: str, file: Path, is_free: IsFree) -> None:
        self._project, self._file, self._is_free = project, file, is_free
        self._given = _read(file)

    def publish(self, key: UnitKey, port: Port, *, in_use: bool) -> int:
        """The host port for a port of a replica. `in_use`: that replica runs, so it holds the port itself."""
        if port.published is not None:
            return port.published
        name = f"{key}:{port.target}/{port.protocol}"
        given = self._given.get(name)
        if given is None or not (in_use or self._is_free(port.host, given, port.protocol)):
            given = self._given[name] = self._pick(name, port)
        return given

    def _pick(self, name: str, port: Port) -> int:
        start = zlib.crc32(f"{self._project}/{name}".encode()) % COUNT
        for offset in range(COUNT):
            number = FIRST + (start + offset) % COUNT
            if number not in self._given.values() and self._is_free(port.host, number, port.protocol):
                return number
        raise OSError(f"no free port between {FIRST} and {FIRST + COUNT}")

    def save(self) -> None:
        """Write down what was given out."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._given))


def _read(file: Path) -> dict[str, int]:
    try:
        given = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): int(number) for name, number in given.items()}
