"""One replica of a service, as a command line names it."""

from __future__ import annotations

from devbox.control.client import Client
from devbox.control.protocol import Placed
from devbox.domain.codec import decode
from devbox.domain.errors import DevboxError, UsageError
from devbox.domain.instance import Ref
from devbox.domain.spec import Unit


def placed(client: Client, service: str, replica: int = 1, *, secrets: bool = False) -> Placed:
    """What a replica shall be, and where it runs. Raises UsageError when there is none.

    Who runs something in its environment asks for the `secrets` in it; to others they are masked.
    """
    return decode(Placed, client.get(f"/v1/unit/{service}", replica=replica, secrets=int(secrets)))


def running(found: Placed) -> tuple[Unit, Ref]:
    """The unit and its live instance. Raises DevboxError where it does not run."""
    if found.unit is None or found.ref is None:
        name = found.unit.key.service if found.unit else "it"
        raise DevboxError(
            f"{name} does not run", hint=f"`devbox start {name}` starts it, `devbox why {name}` says why."
        )
    return found.unit, found.ref


def service_and_path(text: str) -> tuple[str, str] | None:
    """`web` and `/path` of `web:/path`; None for a path on this machine."""
    service, colon, path = text.partition(":")
    if not colon or text.startswith(("/", ".")):
        return None
    if not service:
        raise UsageError(f"{text} names no service", hint="Write SERVICE:PATH.")
    return service, path or "."
