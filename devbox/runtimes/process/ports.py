"""Whether a port of this machine is free, and who holds it if not."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Collection
from dataclasses import dataclass

import psutil

from devbox.domain.spec import Port
from devbox.domain.status import Failure, FailureKind

_PRIVATE_FIRST, _PRIVATE_COUNT = 12000, 8000


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that listens on a port, and the service of a project that it is, if it is one."""

    pid: int
    command: str
    project: str = ""
    service: str = ""

    def __str__(self) -> str:
        return f"pid {self.pid} ({self.command})"


def is_free(host: str, port: int, protocol: str = "tcp") -> bool:
    """Whether a server could listen on `host:port` now. An address that is not this machine's counts as free."""
    return _refused(host, port, protocol) != errno.EADDRINUSE


def may_listen(host: str, port: int, protocol: str = "tcp") -> bool:
    """Whether this user has the rights to listen there."""
    return _refused(host, port, protocol) != errno.EACCES


def _refused(host: str, port: int, protocol: str) -> int | None:
    """The error number with which the kernel refuses to listen; None: it does not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            return exc.errno
    return None


def holder(port: int) -> str:
    """Who listens on `port`: `pid 4711 (python -m http.server)`, or words for somebody it is not told of."""
    return str(held_by(port) or "a process of another user")


def held_by(port: int, protocol: str = "tcp") -> Holder | None:
    """Who listens on `port`; None for somebody of whom this user is not told."""
    try:
        connections = psutil.net_connections(kind=protocol if protocol in ("tcp", "udp") else "inet")
    except psutil.Error:
        return None
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.pid and not connection.raddr:
            return _holder(connection.pid)
    return None


def _holder(pid: int) -> Holder:
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return Holder(pid, "ended meanwhile")
    try:
        env = process.environ()
    except psutil.Error:
        env = {}
    shown = command if len(command) <= 80 else f"{command[:79]}…"
    return Holder(pid, shown, env.get("DEVBOX_PROJECT", ""), env.get("DEVBOX_SERVICE", ""))


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
