"""From what is known of a replica to the row that shows it."""

from __future__ import annotations

from collections.abc import Sequence

from devbox.control.protocol import Row
from devbox.domain.container import MountKind
from devbox.domain.event import Event
from devbox.domain.spec import Group, ProcessRun, ServiceSpec
from devbox.domain.status import Health, Hold, Phase
from devbox.domain.step import Op
from devbox.domain.timing import Timings
from devbox.plan.state import UnitState
from devbox.plan.timings import Asked, timings


def row_of(unit: UnitState, hold: Hold | None, replicas: int, probe_output: str) -> Row:
    """The row for a replica, finished: a view shows it as it is."""
    current = unit.current
    spec = unit.unit.spec if unit.unit else None
    alive = current is not None and current.alive
    url = ""
    if spec is not None and spec.open_path is not None and spec.ports:
        port = next((port for port in spec.ports if port.target == spec.open_port), spec.ports[0])
        url = f"http://127.0.0.1:{port.published or port.target}{spec.open_path}"
    return Row(
        service=unit.key.service,
        replica=unit.key.replica,
        replicas=replicas,
        runtime=spec.runtime if spec else (current.ref.runtime if current else ""),
        group=spec.group if spec else Group.SERVICE,
        status=unit.status(hold),
        state=state_word(unit, hold),
        note=_note(unit, hold, probe_output),
        fingerprint=current.fingerprint if current and alive else (unit.unit.fingerprint if unit.unit else ""),
        pid=current.pid if current and alive else None,
        exit_code=current.exit_code if current else None,
        started_at=current.started_at if current and alive else None,
        ports=spec.ports if spec else (),
        needs=tuple(need.service for need in unit.needs),
        probe_output=probe_output or unit.probe_output,
        url=url,
        tasks=tuple(task.name for task in spec.tasks) if spec else (),
        other_form=_other_form(spec) if spec else "",
        keeps_data=spec is not None and keeps_data(spec),
    )


def keeps_data(spec: ServiceSpec) -> bool:
    """Whether a service has data of its own that outlive its instances."""
    if isinstance(spec.run, ProcessRun):
        return spec.run.data_dir is not None
    named = any(mount.kind is MountKind.VOLUME and mount.source for mount in spec.run.mounts)
    return named or spec.run.data_volume is not None


def _other_form(spec: ServiceSpec) -> str:
    if spec.other is None:
        return ""
    return "process" if isinstance(spec.other.run, ProcessRun) else "container"


def state_word(unit: UnitState, hold: Hold | None) -> str:
    """One word for where a replica is."""
    if unit.asleep:
        return "sleeping"
    if unit.phase is Phase.RUNNING and unit.paused:
        return "paused"
    if unit.phase is Phase.RUNNING:
        return {Health.NONE: "running", Health.STARTING: "starting"}.get(unit.health, unit.health.value)
    if unit.phase is Phase.IDLE and unit.wanted:
        return "waiting" if hold is not None else "pending"
    if unit.phase is Phase.IDLE:
        return "stopped" if unit.instances else "idle"
    if unit.phase is Phase.BACKOFF and unit.crash_looping:
        return "crashing"
    return unit.phase.value


def _note(unit: UnitState, hold: Hold | None, probe_output: str) -> str:
    if hold is not None:
        return hold.why
    if unit.failure is not None:
        return unit.failure.message
    if unit.rejected is not None:
        return f"the old one serves: {unit.rejected.why}"
    if unit.successor is not None:
        return "it serves until the new one is ready"
    if unit.phase is Phase.RUNNING and unit.health in (Health.UNHEALTHY, Health.STARTING):
        return probe_output or unit.probe_output
    if unit.phase is Phase.RUNNING and unit.health is Health.NONE and unit.probe_output:
        return f"{unit.probe_output} yet"
    if unit.step is not None and unit.step.op is Op.PREPARE:
        return unit.step.cause
    return ""


def last_start(rows: Sequence[Row], events: Sequence[Event]) -> Timings:
    """How the last start went, of the services that these rows are of."""
    asked = {row.service: Asked(row.needs, row.status.health is not Health.NONE) for row in rows}
    return timings(events, asked)
