"""What a manifest asks of an engine too old for it. An old engine leaves out what it does not know, silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from devbox.domain.container import MountKind
from devbox.domain.spec import AppSpec, ContainerRun

IMAGE_MOUNTS = "1.48"
IPV4_SWITCH = "1.48"
_READING = ("writable", "readonly")

_SINCE: tuple[tuple[str, str, Callable[[ContainerRun], bool]], ...] = (
    ("annotations", "1.43", lambda run: bool(run.options.annotations)),
    ("networks.mac_address", "1.44", lambda run: any(each.mac_address for each in run.networks)),
    ("volumes.bind.recursive", "1.44", lambda run: any(mount.recursive in _READING for mount in run.mounts)),
    ("volumes.volume.subpath", "1.45", lambda run: any(mount.subpath for mount in run.mounts)),
    ("volumes.type: image", IMAGE_MOUNTS, lambda run: any(mount.kind is MountKind.IMAGE for mount in run.mounts)),
    ("networks.gw_priority", "1.48", lambda run: any(each.gw_priority for each in run.networks)),
    ("networks.interface_name", "1.49", lambda run: any(each.interface_name for each in run.networks)),
)
"""Keys, the version of the Engine API that has them first, and whether a container says them."""


def beyond(app: AppSpec, version: str) -> tuple[str, ...]:
    """A sentence for each key of a service that an engine which speaks this version of the API does not know."""
    return tuple(_sentences(app, version))


def _sentences(app: AppSpec, version: str) -> Iterator[str]:
    for network in app.networks:
        if not network.enable_ipv4 and older(version, IPV4_SWITCH):
            yield _sentence(f"network {network.key}", "enable_ipv4", version, IPV4_SWITCH)
    for service in app.services:
        run = service.run
        if not isinstance(run, ContainerRun):
            continue
        for key, since, said in _SINCE:
            if said(run) and older(version, since):
                yield _sentence(service.name, key, version, since)


def _sentence(who: str, key: str, version: str, since: str) -> str:
    return f"{who}: the engine is too old for `{key}` (its API is {version}, {since} has it first)"


def older(version: str, since: str) -> bool:
    """Whether a version of the API comes before another."""
    return _number(version) < _number(since)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
