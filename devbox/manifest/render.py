"""The mesh as plain data in Compose's shape, for `devbox config`."""

from __future__ import annotations

from typing import Any

from devbox.domain.spec import (
    AppSpec,
    ContainerRun,
    ExecCheck,
    HttpCheck,
    LogCheck,
    Need,
    Port,
    Probe,
    ProcessRun,
    Restart,
    RestartPolicy,
    ServiceSpec,
    Stop,
    TcpCheck,
    Template,
    Until,
)
from devbox.manifest.units import as_duration

MASK = "********"

_CONDITIONS = {
    Until.STARTED: "service_started",
    Until.READY: "service_healthy",
    Until.COMPLETED: "service_completed_successfully",
}


def to_compose(app: AppSpec) -> dict[str, Any]:
    """Mappings, lists, texts and numbers. Secrets are masked, references shown as they are written."""
    services = sorted(app.services, key=lambda service: service.name)
    return {"name": app.project, "services": {service.name: _service(service) for service in services}}


def _service(service: ServiceSpec) -> dict[str, Any]:
    data: dict[str, Any] = {**_run(service), "environment": _environment(service), "ports": _ports(service.ports)}
    data["depends_on"] = {need.service: _need(need) for need in service.needs}
    if service.probe is not None:
        key = "healthcheck" if isinstance(service.run, ContainerRun) else "health"
        data[key if isinstance(service.probe.check, ExecCheck) else "health"] = _probe(service, service.probe, key)
    if service.restart != Restart():
        data["restart"] = _restart(service.restart)
    if service.replicas != 1:
        data["scale"] = service.replicas
    if service.stop != Stop():
        data |= {"stop_signal": service.stop.signal, "stop_grace_period": as_duration(service.stop.grace)}
    if service.open_path is not None:
        data["open"] = _plain(service.open_path)
    return {key: value for key, value in data.items() if value not in ({}, [], None)}


def _run(service: ServiceSpec) -> dict[str, Any]:
    run = service.run
    if isinstance(run, ProcessRun):
        return {"runtime": "process", "command": _words(run.argv), "working_dir": _plain(run.working_dir)}
    data: dict[str, Any] = {"image": _plain(run.image), "command": _words(run.argv)}
    if run.entrypoint is not None:
        data["entrypoint"] = _words(run.entrypoint)
    return data


def _words(templates: tuple[Template, ...]) -> list[str]:
    return [_text(template) for template in templates]


def _text(template: Template) -> str:
    """A template as the manifest would write it: a `$` that is meant as such is doubled."""
    return "".join(_plain(part) if isinstance(part, str) else str(part) for part in template.parts)


def _plain(text: str) -> str:
    return text.replace("$", "$$")


def _environment(service: ServiceSpec) -> dict[str, str]:
    ordered = sorted(service.env, key=lambda var: var.name)
    return {var.name: MASK if var.secret and not _is_reference(var.value) else _text(var.value) for var in ordered}


def _is_reference(template: Template) -> bool:
    """Whether a value is nothing but references, and so gives nothing away."""
    return bool(template.parts) and len(template.references) == len(template.parts)


def _ports(ports: tuple[Port, ...]) -> list[dict[str, Any]]:
    return [_port(port) for port in ports]


def _port(port: Port) -> dict[str, Any]:
    data: dict[str, Any] = {"mode": "ingress", "host_ip": port.host, "target": port.target}
    if port.published is not None:
        data["published"] = str(port.published)
    return {**data, "protocol": port.protocol}


def _need(need: Need) -> dict[str, Any]:
    data: dict[str, Any] = {"condition": _CONDITIONS[need.until], "required": need.required}
    return {**data, "restart": True} if need.restart else data


def _probe(service: ServiceSpec, probe: Probe, key: str) -> dict[str, Any]:
    times = {
        "interval": as_duration(probe.interval),
        "timeout": as_duration(probe.timeout),
        "retries": probe.retries,
        "start_period": as_duration(probe.start_period),
        "start_interval": as_duration(probe.start_interval),
    }
    match probe.check:
        case ExecCheck(argv) if key == "healthcheck":
            return {"test": ["CMD", *_words(argv)], **times}
        case ExecCheck(argv):
            return {"exec": _words(argv), **times}
        case HttpCheck():
            return {**_http(probe.check), **times}
        case TcpCheck(port):
            return {"tcp": port or next((each.target for each in service.ports), None), **times}
        case LogCheck(pattern):
            return {"log": _plain(pattern), **times}


def _http(check: HttpCheck) -> dict[str, Any]:
    path = _plain(check.path)
    target = path if check.port is None else f":{check.port}{path}"
    low, high = check.status
    data = {"http": target, "status": str(low) if low == high else f"{low}-{high}"}
    return data if check.body is None else {**data, "body": _plain(check.body)}


def _restart(restart: Restart) -> str:
    if restart.policy is RestartPolicy.ON_FAILURE and restart.max_attempts is not None:
        return f"on-failure:{restart.max_attempts}"
    return str(restart.policy)
