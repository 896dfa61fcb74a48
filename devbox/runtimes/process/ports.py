"""Whether a port of this machine is free, and who holds it if not."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Collection

import psutil

from devbox.domain.spec import Port
from devbox.domain.status import Failure, FailureKind

_PRIVATE_FIRST, _PRIVATE_COUNT = 12000, 8000


def is_free(host: str, port: int, protocol: str = "tcp") -> bool:
    """Whether a server could listen on `host:port` now. An address that is not this machine's counts as free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            return exc.errno != errno.EADDRINUSE
    return True


def holder(port: int) -> str:
    """Who listens on `port`: `pid 4711 (python -m http.server)`, or words for somebody it is not told of."""
    try:
        connections = psutil.net_connections(kind="inet")
    except psutil.Error:
        return "another process"
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.pid and not connection.raddr:
            return f"pid {connection.pid} ({_command(connection.pid)})"
    return "a process of another user"


def _command(pid: int) -> str:
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return "ended meanwhile"
    return command if len(command) <= 80 else f"{command[:79]}…"


def taken(ports: tuple[Port, ...]) -> Failure | None:
    """The failure to report when one of these ports is held by somebody else."""
    for port in ports:
        if port.published and not is_free(port.host, port.published, port.protocol):
            who = holder(port.published)
            return Failure(
                FailureKind.PORT_TAKEN,
                f"port {port.published} is taken by {who}",
                hint="End that process, or give the service another port.",
            )
    return None


def private(count: int, taken: Collection[int]) -> list[int]:
    """Free ports on loopback for one instance behind a door, none of those `taken`.

    They lie below those that devbox publishes and those that Linux takes for outgoing connections.
    """
    found: list[int] = []
    start = random.randrange(_PRIVATE_COUNT)
    for offset in range(_PRIVATE_COUNT):
        number = _PRIVATE_FIRST + (start + offset) % _PRIVATE_COUNT
        if len(found) == count:
            break
        if number not in taken and is_free("127.0.0.1", number):
            found.append(number)
    return found
