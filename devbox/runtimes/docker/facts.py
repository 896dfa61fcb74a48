"""What an engine says of itself and of what it holds, asked once and within bounds."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from devbox.runtimes.docker.endpoint import endpoint
from devbox.runtimes.docker.engine import connect, disconnect, errors_in_words
from devbox.runtimes.docker.images import find_image
from devbox.runtimes.docker.names import COMPOSE_PROJECT

if TYPE_CHECKING:
    from docker import APIClient

_LIMIT = 5
_PROXIES = (("HTTP_PROXY", "HttpProxy"), ("HTTPS_PROXY", "HttpsProxy"), ("NO_PROXY", "NoProxy"))


@dataclass(frozen=True, slots=True)
class Publisher:
    """A container that runs and publishes a port of the machine it is on, and the project it belongs to, if any."""

    port: int
    protocol: str
    name: str
    project: str


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """`memory` is in bytes; `root` is where it keeps its data, on its own machine.

    `ahead` is by how many seconds its clock is ahead of ours, at least: what asking took is not held against it.
    `images` are those that are here of the ones asked for.
    """

    version: str
    memory: int
    root: str
    ahead: float
    proxies: tuple[tuple[str, str], ...]
    images: frozenset[str]
    publishers: tuple[Publisher, ...]


def facts(environ: Mapping[str, str], images: Collection[str]) -> EngineFacts:
    """Ask the engine that is meant. Raises EngineUnavailable and StepError, in words."""
    where = endpoint(environ)
    with errors_in_words(where):
        client = connect(where, _LIMIT)
        try:
            return _asked(client, images)
        finally:
            disconnect(client)


def _asked(client: APIClient, images: Collection[str]) -> EngineFacts:
    before = time.time()
    info = client.info()
    after = time.time()
    return EngineFacts(
        version=str(info.get("ServerVersion", "")),
        memory=int(info.get("MemTotal") or 0),
        root=str(info.get("DockerRootDir") or ""),
        ahead=_ahead(str(info.get("SystemTime") or ""), before, after),
        proxies=tuple((name, str(info[key])) for name, key in _PROXIES if info.get(key)),
        images=frozenset(name for name in images if find_image(client, name) is not None),
        publishers=_publishers(client.containers()),
    )


def _ahead(told: str, before: float, after: float) -> float:
    """How far a time that was told between two of ours lies outside of them; one that cannot be read is right."""
    try:
        # Nanoseconds are more than Python reads: `2024-05-06T07:08:09.123456789+02:00`.
        head, _, rest = told.partition(".")
        digits = rest.rstrip("Z").partition("+")[0].partition("-")[0]
        zone = rest[len(digits) :] or head[19:]
        stamp = datetime.fromisoformat(f"{head[:19]}.{digits[:6]:0<6}{'+00:00' if zone in ('', 'Z') else zone}")
    except ValueError:
        return 0.0
    theirs = stamp.timestamp()
    return theirs - after if theirs > after else min(theirs - before, 0.0)


def _publishers(containers: list[dict[str, Any]]) -> tuple[Publisher, ...]:
    found = {
        Publisher(
            int(port["PublicPort"]),
            str(port.get("Type", "tcp")),
            str(container["Names"][0]).lstrip("/"),
            str((container.get("Labels") or {}).get(COMPOSE_PROJECT, "")),
        )
        for container in containers
        for port in container.get("Ports") or ()
        if port.get("PublicPort")
    }
    return tuple(sorted(found, key=lambda each: (each.port, each.name)))
