"""From services as the manifest says them to units as they shall run: ports published, references replaced.

A reference is resolved from where its reader stands. A container dials another by service name and container port; a
host process dials the published port on 127.0.0.1; a container dials a host process through the host gateway. What
stands behind a door is dialled there, by whomever: only the door knows which instance serves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from devbox.domain.doors import has_door, is_own_port
from devbox.domain.spec import (
    HOST_GATEWAY,
    AppSpec,
    ContainerRun,
    Port,
    ProcessRun,
    Reference,
    SeedFile,
    ServiceSpec,
    Template,
    Unit,
    UnitKey,
)
from devbox.plan.fingerprint import fingerprint
from devbox.plan.made import Mesh, made_files

_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})

Publish = Callable[[UnitKey, Port], int]
"""The host port for a port of a replica."""


def resolve(app: AppSpec, publish: Publish) -> tuple[Unit, ...]:
    """Every replica of every service, resolved. The manifest has already made sure that every reference is good."""
    published = {
        key: tuple(replace(port, published=publish(key, port)) for port in service.ports)
        for service in app.services
        for key in _keys(service)
    }
    replicas = {key: replace(service, ports=published[key]) for service in app.services for key in _keys(service)}
    first = {s.name: replace(s, ports=published.get(UnitKey(s.name), ())) for s in app.services}
    units = []
    for service in app.services:
        for key in _keys(service):
            reader = replace(service, ports=published[key])
            unit_services = {**first, service.name: reader}
            made = _with_made_files(reader, unit_services, replicas, app.metrics_port)
            units.append(_unit(key, made, unit_services))
    return tuple(units)


def _with_made_files(
    reader: ServiceSpec,
    services: dict[str, ServiceSpec],
    replicas: dict[UnitKey, ServiceSpec],
    metrics_port: int | None,
) -> ServiceSpec:
    """The service with the files in its container that are made from the mesh."""
    if not reader.made_files or not isinstance(reader.run, ContainerRun):
        return reader
    mesh = Mesh(
        replicas,
        lambda target, replica, port: _replica_address(target, replica, port, reader),
        lambda target, what: export(target, what, reader, services),
        lambda template: _text(template, reader, services),
        own_metrics=f"{HOST_GATEWAY}:{metrics_port}" if metrics_port is not None else "",
    )
    return replace(reader, run=replace(reader.run, files=(*reader.run.files, *made_files(reader, mesh))))


def port_clash(units: Iterable[Unit]) -> tuple[Unit, Unit, int] | None:
    """Two replicas that would publish the same port of the host, and that port; None where there are none."""
    holders: dict[tuple[int, str], list[tuple[Unit, str]]] = {}
    for unit in units:
        for port in unit.spec.ports:
            if port.published is None:
                continue
            others = holders.setdefault((port.published, port.protocol), [])
            for other, host in others:
                if other is not unit and (host == port.host or not _EVERYWHERE.isdisjoint((host, port.host))):
                    return other, unit, port.published
            others.append((unit, port.host))
    return None


def _keys(service: ServiceSpec) -> list[UnitKey]:
    return [UnitKey(service.name, number + 1) for number in range(service.replicas)]


def _unit(key: UnitKey, reader: ServiceSpec, services: dict[str, ServiceSpec]) -> Unit:
    def outside(template: Template) -> Template:
        return Template.of(_text(template, reader, services))

    def fill(template: Template) -> Template:
        return _but_own_ports(template, reader, services) if private else outside(template)

    # Behind a door each instance has ports of its own, which are known when it starts.
    private = isinstance(reader.run, ProcessRun) and has_door(reader)
    spec = replace(
        reader,
        run=reader.run.filled(fill),
        env=tuple(replace(var, value=fill(var.value)) for var in reader.env),
        probe=reader.probe.filled(fill) if reader.probe is not None else None,
        exports=tuple((name, outside(value)) for name, value in reader.exports),
        console=tuple(map(fill, reader.console)),
        seed=_seed(reader, fill),
        tasks=tuple(replace(task, argv=tuple(map(fill, task.argv))) for task in reader.tasks),
    )
    return Unit(key=key, spec=spec, fingerprint=fingerprint(spec))


def _seed(reader: ServiceSpec, fill: Callable[[Template], Template]) -> tuple[SeedFile, ...] | None:
    if reader.seed is None:
        return None
    return tuple(replace(each, argv=tuple(map(fill, each.argv))) for each in reader.seed)


def _but_own_ports(template: Template, reader: ServiceSpec, services: dict[str, ServiceSpec]) -> Template:
    """The template with every reference replaced but those to a port of the reader's own."""
    parts = tuple(
        part
        if isinstance(part, Reference) and is_own_port(reader, part)
        else _text(Template((part,)), reader, services)
        for part in template.parts
    )
    return Template(parts)


def _text(template: Template, reader: ServiceSpec, services: dict[str, ServiceSpec]) -> str:
    return "".join(
        part if isinstance(part, str) else export(services[part.service], part, reader, services)
        for part in template.parts
    )


def export(target: ServiceSpec, what: Reference, reader: ServiceSpec, services: dict[str, ServiceSpec]) -> str:
    """The text that `${target.what}` stands for where `reader` stands. Raises KeyError for what is not exported."""
    given = dict(target.exports)
    if what.export in given:
        return _text(given[what.export], reader, services)
    host, port = _address(target, what.export, reader)
    if what.export == "host":
        return host
    if what.export == "url":
        return f"http://{host}:{port}"
    if what.export.partition(".")[0] == "published":
        return str(_published(target, what.export.removeprefix("published.")))
    if what.export == "port" or what.export.startswith("port."):
        return str(port)
    raise KeyError(str(what))


def _published(target: ServiceSpec, number: str) -> int:
    port = _port(target, number)
    return port.published or port.target


def _replica_address(target: ServiceSpec, replica: int, wanted: int | None, reader: ServiceSpec) -> tuple[str, int]:
    """Where one replica is dialled; on a port that its service does not name, it is taken to listen all the same."""
    known = wanted is None or any(port.target == wanted for port in target.ports)
    host, port = _address(
        target if known else replace(target, ports=()), f"port.{wanted}" if wanted else "port", reader
    )
    # Among containers the service's name stands for all of its replicas; each has a name of its own as well.
    return (str(UnitKey(target.name, replica)) if host == target.name else host), port if known else (wanted or 0)


def _address(target: ServiceSpec, name: str, reader: ServiceSpec) -> tuple[str, int]:
    port = _port(target, name)
    inside = isinstance(reader.run, ContainerRun)
    direct = target.name == reader.name or not has_door(target)
    if inside and isinstance(target.run, ContainerRun) and direct:
        return target.name, port.target
    return (HOST_GATEWAY if inside else "127.0.0.1"), port.published or port.target


def _port(target: ServiceSpec, name: str) -> Port:
    number = name.removeprefix("port.")
    for port in target.ports:
        if not number.isdigit() or port.target == int(number):
            return port
    return Port(target=0)
