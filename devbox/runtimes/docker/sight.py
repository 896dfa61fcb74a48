"""From the engine's JSON to what was seen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from devbox.domain.instance import Observed, Ref
from devbox.domain.spec import UnitKey
from devbox.domain.status import Health
from devbox.runtimes.docker.names import DOOR, FINGERPRINT, MADE, REPLICA, SERVICE

if TYPE_CHECKING:
    from docker import APIClient

_NEVER = "0001-01-01"
"""How the engine writes a time that has not come."""

_SIGNAL_BASE = 128
"""A container that a signal ended exits with this plus the signal's number, as from a shell."""


_HEALTH = {"starting": Health.STARTING, "healthy": Health.HEALTHY, "unhealthy": Health.UNHEALTHY}
_OUTPUT_SHOWN = 300


def observed_of(inspected: dict[str, Any]) -> Observed:
    """What `GET /containers/ID/json` says, as an observation."""
    state, labels = inspected["State"], inspected["Config"]["Labels"] or {}
    alive = bool(state["Running"]) and not state.get("Dead")
    code = None if alive else state["ExitCode"]
    started, health = _time(state["StartedAt"]), state.get("Health") or {}
    return Observed(
        ref=Ref("docker", inspected["Id"]),
        key=key_of(labels),
        fingerprint=labels.get(FINGERPRINT, ""),
        alive=alive,
        started_at=started or _time(inspected["Created"]) or 0.0,
        finished_at=None if alive else _time(state["FinishedAt"]) or started,
        pid=state["Pid"] or None,
        exit_code=code,
        signal=code - _SIGNAL_BASE if code is not None and _SIGNAL_BASE < code < _SIGNAL_BASE + 65 else None,
        oom=bool(state.get("OOMKilled")) and not alive,
        paused=alive and bool(state.get("Paused")),
        health=_HEALTH.get(health.get("Status", "")) if alive else None,
        health_output=_last_output(health) if alive else "",
        private=_private(inspected) if alive and DOOR in labels else (),
        serves=any(port.endswith("/tcp") for port in inspected["Config"].get("ExposedPorts") or ()),
    )


def _private(inspected: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    """The ports of loopback that the engine gave a container behind a door."""
    given = inspected["NetworkSettings"].get("Ports") or {}
    return tuple(
        (int(inside.partition("/")[0]), int(bindings[0]["HostPort"])) for inside, bindings in given.items() if bindings
    )


def _last_output(health: dict[str, Any]) -> str:
    """The last words of the engine's own health check."""
    results = health.get("Log") or []
    words = str(results[-1].get("Output", "")).strip().splitlines() if results else []
    return words[-1][:_OUTPUT_SHOWN] if words else ""


def key_of(labels: dict[str, str]) -> UnitKey:
    """The replica that a container's labels name."""
    return UnitKey(labels.get(SERVICE, ""), int(labels.get(REPLICA, "1")))


def _time(text: str) -> float | None:
    if not text or text.startswith(_NEVER):
        return None
    # The engine writes nanoseconds; Python reads microseconds.
    head, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{head}.{fraction[:6].ljust(6, '0')}+00:00").timestamp()


def data_mark(client: APIClient, container: str, path: str | None) -> str:
    """A text for the data at a path of a container: its volume, as it was made; without one, this life of it."""
    inspected = client.inspect_container(container)
    mount = next((each for each in inspected["Mounts"] if each["Destination"] == path), None)
    if mount is None:
        return f"{container} {inspected['State']['StartedAt']}"
    if mount["Type"] != "volume":
        return f"{mount['Type']} {mount['Source']}"
    # Older engines take for the time at which a volume was made the one at which something was last put into it.
    labels = client.inspect_volume(mount["Name"])["Labels"] or {}
    return f"{mount['Name']} {labels.get(MADE, '')}"
