"""Whether a port of this machine is free, and who holds it if not."""

from __future__ import annotations

import errno
import socket

import psutil

from devbox.domain.spec import Port
from devbox.domain.status import Failure, FailureKind


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
