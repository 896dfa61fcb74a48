"""What a manifest asks of an engine too old for it. An old engine leaves out what it does not know, silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from devbox.domain.spec import AppSpec, ContainerRun

_SINCE: tuple[tuple[str, str, Callable[[ContainerRun], bool]], ...] = (
    ("annotations", "1.43", lambda run: bool(run.options.annotations)),
    ("networks.mac_address", "1.44", lambda run: any(each.mac_address for each in run.networks)),
    ("volumes.volume.subpath", "1.45", lambda run: any(mount.subpath for mount in run.mounts)),
)
"""Keys, the version of the Engine API that has them first, and whether a container says them."""


def beyond(app: AppSpec, version: str) -> tuple[str, ...]:
    """A sentence for each key of a service that an engine which speaks this version of the API does not know."""
    return tuple(_sentences(app, version))


def _sentences(app: AppSpec, version: str) -> Iterator[str]:
    for service in app.services:
        run = service.run
        if not isinstance(run, ContainerRun):
            continue
        for key, since, said in _SINCE:
            if said(run) and _number(version) < _number(since):
                yield f"{service.name}: the engine is too old for `{key}` (its API is {version}, {since} has it first)"


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
