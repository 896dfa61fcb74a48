"""Which services are reached through a door: a relay of devbox's own that holds their published ports.

Only behind a door can two instances live side by side, or can a connection wait for one that is not there yet.
"""

from __future__ import annotations

from collections.abc import Iterator

from devbox.domain.spec import ProcessRun, Reference, Reload, ServiceSpec, Template


def has_door(spec: ServiceSpec) -> bool:
    """Whether a door holds the service's ports, and its instances get ports of their own."""
    return goes_green(spec) or wakes_on_demand(spec)


def goes_green(spec: ServiceSpec) -> bool:
    """Whether its instances serve until their successor is ready."""
    return spec.reload is Reload.GREEN and not green_obstacle(spec)


def wakes_on_demand(spec: ServiceSpec) -> bool:
    """Whether it starts at the first connection."""
    return spec.on_demand is not None and not door_obstacle(spec)


def green_obstacle(spec: ServiceSpec) -> str:
    """Why two instances of a service cannot live side by side, in words; empty where they can."""
    if spec.probe is None:
        return "nothing tells when a new one is ready: it has no health check"
    if (spec.run.data_dir if isinstance(spec.run, ProcessRun) else spec.run.data_volume) is not None:
        return "two of it cannot share its data"
    return door_obstacle(spec)


def door_obstacle(spec: ServiceSpec) -> str:
    """Why a service cannot stand behind a door, in words; empty where it can."""
    if not spec.ports:
        return "it publishes no port"
    if any(port.protocol != "tcp" for port in spec.ports):
        return "one of its ports is UDP"
    if isinstance(spec.run, ProcessRun):
        own = {reference.export for reference in own_ports(spec)}
        for number, port in enumerate(spec.ports):
            if f"port.{port.target}" not in own and not (number == 0 and "port" in own):
                return f"it holds port {port.target} itself: its command does not say ${{{spec.name}.port}}"
        return ""
    if spec.run.options.network_mode:
        return f"it publishes nothing itself: network_mode is {spec.run.options.network_mode}"
    return ""


def own_ports(spec: ServiceSpec) -> tuple[Reference, ...]:
    """What a service says of its own ports: `${api.port}` in the command or the environment of `api`."""
    found = (part for template in _templates(spec) for part in template.references)
    return tuple(reference for reference in found if is_own_port(spec, reference))


def is_own_port(spec: ServiceSpec, reference: Reference) -> bool:
    """Whether a reference names a port that the service itself listens on."""
    return reference.service == spec.name and reference.export.partition(".")[0] == "port"


def _templates(spec: ServiceSpec) -> Iterator[Template]:
    yield from spec.run.argv
    yield from (var.value for var in spec.env)
    if spec.probe is not None:
        yield from spec.probe.templates
