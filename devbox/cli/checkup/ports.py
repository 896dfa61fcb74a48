"""The ports of this machine that the mesh wants, and who holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from devbox.cli.checkup.finding import Finding
from devbox.cli.project import Project
from devbox.domain.errors import DevboxError
from devbox.domain.spec import AppSpec, Port, ProcessRun, ServiceSpec
from devbox.runtimes.docker.facts import EngineFacts, Publisher

_FIRST_FREE_FOR_ALL = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


@dataclass(frozen=True, slots=True)
class Ours:
    """What this project holds itself: its name, and the ports of its services that run."""

    project: str = ""
    ports: frozenset[int] = field(default_factory=frozenset)


def held_by(project: Project) -> Ours:
    try:
        rows = project.client().get("/v1/state")["rows"]
        ports = frozenset(port["published"] for row in rows if row["started_at"] for port in row["ports"])
        return Ours(project.name(), ports)
    except DevboxError:
        return Ours()


def findings(app: AppSpec, ours: Ours, facts: EngineFacts | None) -> Iterator[Finding]:
    wanted = free = 0
    for service in app.services:
        for port in service.ports:
            if port.published is None:
                continue
            wanted += 1
            bad = None if port.published in ours.ports else _wrong(service, port, ours.project, facts)
            free += bad is None
            if bad is not None:
                yield bad
    if wanted and free == wanted:
        yield Finding("ports", True, f"{wanted} wanted, free or held by this project already")


def _wrong(service: ServiceSpec, port: Port, project: str, facts: EngineFacts | None) -> Finding | None:
    from devbox.runtimes.process.ports import is_free

    what = f"port {port.published} of {service.name}"
    if not is_free(port.host, port.published or 0, port.protocol):
        return Finding(what, False, *_holder(port, facts, f"or give {service.name} another port: {service.origin}"))
    container = _container(port, facts)
    if container is not None and container.project != project:
        return Finding(what, False, f"held by container {container.name}", f"`docker stop {container.name}`")
    return _needs_rights(service, port, what)


def _holder(port: Port, facts: EngineFacts | None, otherwise: str) -> tuple[str, str]:
    """Who holds a port, and the command that frees it."""
    from devbox.runtimes.process.ports import held_by

    container = _container(port, facts)
    holder = held_by(port.published or 0, port.protocol)
    process = f" by {holder}" if holder else ""
    if container is not None:
        door = f", {holder}" if holder else ""
        return f"held by container {container.name}{door}", f"`docker stop {container.name}`, {otherwise}"
    if holder is None:
        look = f"`sudo ss -lnp 'sport = :{port.published}'`"
        return "held by a process of another user", f"{look} tells whose; {otherwise}"
    if holder.project:
        whose = f"held by {holder.service} of project {holder.project}{process}"
        return whose, f"`devbox -p {holder.project} stop {holder.service}`, {otherwise}"
    return f"held{process}", f"`kill {holder.pid}`, {otherwise}"


def _container(port: Port, facts: EngineFacts | None) -> Publisher | None:
    """The container that publishes a port, if one does."""
    publishers = facts.publishers if facts is not None else ()
    wanted = (port.published, port.protocol)
    return next((each for each in publishers if (each.port, each.protocol) == wanted), None)


def _needs_rights(service: ServiceSpec, port: Port, what: str) -> Finding | None:
    """Low ports are for who has rights; a container's are opened by its engine, which has them."""
    from devbox.runtimes.process.ports import may_listen

    number = port.published or 0
    if not isinstance(service.run, ProcessRun) or may_listen(port.host, number, port.protocol):
        return None
    first = _FIRST_FREE_FOR_ALL.read_text().strip() if _FIRST_FREE_FOR_ALL.exists() else "1024"
    mend = f"`sudo sysctl net.ipv4.ip_unprivileged_port_start={number}`, or a port above: {service.origin}"
    return Finding(what, False, f"you may not listen on ports below {first}", mend)
