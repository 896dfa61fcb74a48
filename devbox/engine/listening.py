"""Whether anybody could connect to an instance: its sockets, as the kernel lists them where it runs."""

from __future__ import annotations

from collections.abc import Iterable

from devbox.domain.instance import Ref
from devbox.domain.spec import Unit
from devbox.runtimes.base import Runtime

_TABLES = ("cat", "/proc/net/tcp", "/proc/net/tcp6")
_LIMIT = 5.0
_LISTENING = "0A"
_LOOPBACK = "7F"
_LOOPBACK_6 = "00000000000000000000000001000000"


async def listens(runtime: Runtime, ref: Ref, unit: Unit) -> bool:
    """Whether an instance has a TCP socket that others reach; True where it cannot be seen."""
    result = await runtime.execute(ref, unit, _TABLES, _LIMIT)
    lines = result.output.splitlines()
    # Without IPv6 the second table is missing, and the first is there all the same.
    return "local_address" not in result.output or any_reached(lines)


def any_reached(lines: Iterable[str]) -> bool:
    """Whether one of the sockets in the kernel's table listens on more than loopback.

    A line is `0: 0100007F:1538 00000000:0000 0A ...`: addresses in hexadecimal, the bytes of each word back to front.
    """
    for line in lines:
        words = line.split()
        if len(words) > 3 and words[3] == _LISTENING and not _is_loopback(words[1].partition(":")[0]):
            return True
    return False


def _is_loopback(address: str) -> bool:
    return address == _LOOPBACK_6 or address.endswith(_LOOPBACK)
