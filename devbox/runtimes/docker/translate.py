"""Between a unit and the engine's JSON. Pure: nothing here speaks to an engine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from devbox.domain.instance import Observed, Ref
from devbox.domain.spec import HOST_GATEWAY, ContainerRun, Unit, UnitKey
from devbox.runtimes.docker.names import FINGERPRINT, REPLICA, SERVICE, container_labels, network_name, volume_name

Json = dict[str, Any]

_NEVER = "0001-01-01"
"""How the engine writes a time that has not come."""

_SIGNAL_BASE = 128
"""A container that a signal ended exits with this plus the signal's number, as from a shell."""


def container_of(project: str, unit: Unit) -> Json:
    """The body of `POST /containers/create` (Engine API 1.41, ContainerCreate)."""
    run = unit.spec.run
    if not isinstance(run, ContainerRun):
        raise TypeError(f"{unit.key} is no container")
    ports = [port for port in unit.spec.ports if port.published is not None]
    body: Json = {
        "Image": run.image,
        "Env": [f"{name}={value}" for name, value in unit.env.items()],
        "Labels": container_labels(project, unit),
        "ExposedPorts": {f"{port.target}/{port.protocol}": {} for port in unit.spec.ports},
        "StopSignal": unit.spec.stop.signal,
        "HostConfig": {
            "PortBindings": {
                f"{port.target}/{port.protocol}": [{"HostIp": port.host, "HostPort": str(port.published)}]
                for port in ports
            },
            "Mounts": _mounts(project, unit, run),
            "ExtraHosts": [f"{HOST_GATEWAY}:host-gateway"],
            "NetworkMode": network_name(project),
            "LogConfig": {"Type": "json-file", "Config": {}},
        },
        "NetworkingConfig": {"EndpointsConfig": {network_name(project): {"Aliases": [unit.key.service]}}},
    }
    if run.argv:
        body["Cmd"] = [str(part) for part in run.argv]
    if run.entrypoint is not None:
        body["Entrypoint"] = [str(part) for part in run.entrypoint]
    return body


def _mounts(project: str, unit: Unit, run: ContainerRun) -> list[Json]:
    if run.data_volume is None:
        return []
    return [{"Type": "volume", "Source": volume_name(project, unit.key.service), "Target": run.data_volume}]


def observed_of(inspected: Json) -> Observed:
    """What `GET /containers/ID/json` says, as an observation."""
    state, labels = inspected["State"], inspected["Config"]["Labels"] or {}
    alive = bool(state["Running"]) and not state.get("Dead")
    code = None if alive else state["ExitCode"]
    started = _time(state["StartedAt"])
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
    )


def key_of(labels: dict[str, str]) -> UnitKey:
    """The replica that a container's labels name."""
    return UnitKey(labels.get(SERVICE, ""), int(labels.get(REPLICA, "1")))


def _time(text: str) -> float | None:
    if not text or text.startswith(_NEVER):
        return None
    # The engine writes nanoseconds; Python reads microseconds.
    head, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{head}.{fraction[:6].ljust(6, '0')}+00:00").timestamp()
