"""Keys of the Compose Specification that are read and have no effect on one machine, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from devbox.manifest.source import Place
from devbox.manifest.tree import Entry, Node, Scalar
from devbox.manifest.tree import Mapping as Tree
from devbox.manifest.tree import Sequence as Items

_SWARM = "it is for a swarm of machines"
_WINDOWS = "only engines on Windows act on it"
_STORE = "only the secret store of a swarm acts on it"

SERVICE: Final[Mapping[str, str]] = {
    "cpu_count": _WINDOWS,
    "cpu_percent": _WINDOWS,
    "credential_spec": _WINDOWS,
    "driver_opts": "Compose knows it no more; a volume or a network has its own",
    "models": "it needs Docker's Model Runner",
    "provider": "devbox runs no providers, and leaves the service out",
    "build.isolation": _WINDOWS,
    "build.privileged": "BuildKit has `entitlements: [security.insecure]` for it",
    "build.provenance": "an attestation is part of an image that is pushed",
    "build.sbom": "an attestation is part of an image that is pushed",
    "deploy.mode": _SWARM,
    "deploy.endpoint_mode": _SWARM,
    "deploy.labels": "they are a swarm service's; containers have `labels`",
    "deploy.placement": _SWARM,
    "deploy.rollback_config": _SWARM,
    "deploy.update_config": _SWARM,
    "deploy.resources.reservations.cpus": _SWARM,
    "deploy.resources.reservations.generic_resources": _SWARM,
    "deploy.restart_policy.delay": "devbox waits longer after each failure by itself",
    "deploy.restart_policy.window": "devbox looks by itself whether a start was a good one",
}
"""What stands in a service, by its path there."""

TOP: Final[Mapping[str, str]] = {
    "models": "it needs Docker's Model Runner",
    "secrets.*.driver": _STORE,
    "secrets.*.driver_opts": _STORE,
    "secrets.*.labels": _STORE,
    "secrets.*.template_driver": _STORE,
    "configs.*.labels": _STORE,
    "configs.*.template_driver": _STORE,
}
"""What stands beside the services; `*` is any name."""

_HARMLESS = {"deploy.mode": "replicated"}
"""Values that say what is so anyway."""


def found(node: Tree, keys: Mapping[str, str]) -> Iterator[tuple[Place, str, str]]:
    """Every key that is there and has no effect: its place, its path with the names in it, and why."""
    for path, why in keys.items():
        steps = path.split(".")
        if steps[0] not in node.entries:
            continue
        for entry, names in _entries(node, steps):
            value = entry.value
            if not (isinstance(value, Scalar) and value.text == _HARMLESS.get(path)):
                yield entry.key, ".".join(names), why


def _entries(node: Node, steps: Sequence[str], names: tuple[str, ...] = ()) -> Iterator[tuple[Entry, tuple[str, ...]]]:
    """The entries at a path, with the names along it; every item of a list is looked into."""
    if isinstance(node, Items):
        for item in node:
            yield from _entries(item, steps, names)
    if not isinstance(node, Tree):
        return
    for key in node.entries if steps[0] == "*" else steps[:1]:
        entry = node.entries.get(key)
        if entry is None:
            continue
        if len(steps) == 1:
            yield entry, (*names, key)
        else:
            yield from _entries(entry.value, steps[1:], (*names, key))
