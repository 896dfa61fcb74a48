"""What devbox's things in an engine are called, and the labels by which it finds them again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from devbox.domain.doors import has_door
from devbox.domain.spec import Unit, UnitKey

PROJECT = "dev.devbox.project"
SERVICE = "dev.devbox.service"
REPLICA = "dev.devbox.replica"
FINGERPRINT = "dev.devbox.fingerprint"
ANONYMOUS = "dev.devbox.anonymous"
MADE = "dev.devbox.made"
"""A text that each volume is given as it is made: data that were dropped and made anew have another one."""
"""Marks a volume that nobody named: it outlives a container that is replaced, and goes with `down`."""

DOOR = "dev.devbox.door"
"""Marks a container whose published ports are for a door to lead to."""

COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_NUMBER = "com.docker.compose.container-number"
COMPOSE_ONEOFF = "com.docker.compose.oneoff"


def container_name(project: str, service: str, replica: int) -> str:
    """The same name that Compose gives, so that habits and scripts go on working."""
    return f"{project}-{service}-{replica}"


def waiting_name(name: str) -> str:
    """What a container is called that waits to take over from the one called `name`."""
    return f"{name}-next"


DEFAULT_NETWORK = "default"
"""The key of the network that containers are on when they say nothing, as in Compose."""


def data_volume_name(project: str, service: str) -> str:
    """The volume for the data of a catalogue service."""
    return f"{project}_{service}-data"


def anonymous_volume_name(project: str, key: UnitKey, target: str) -> str:
    """The volume at a path for which nobody named one. The engine would make up a name, and nobody would find it."""
    digest = hashlib.sha256(target.encode()).hexdigest()[:12]
    return f"{project}_{key}_{digest}"


def container_labels(project: str, unit: Unit) -> dict[str, str]:
    """Devbox's own labels, and Compose's, by which other tools group containers."""
    return {
        **project_labels(project),
        **({DOOR: "true"} if has_door(unit.spec) else {}),
        SERVICE: unit.key.service,
        REPLICA: str(unit.key.replica),
        FINGERPRINT: unit.fingerprint,
        COMPOSE_SERVICE: unit.key.service,
        COMPOSE_NUMBER: str(unit.key.replica),
        COMPOSE_ONEOFF: "False",
    }


def is_orphan(labels: Mapping[str, str], state: str) -> bool:
    """Whether a container of a project belongs to nobody: another tool made it, or one command ran in it and ended.

    `state` is the engine's word for how the container is.
    """
    if labels.get(COMPOSE_ONEOFF) == "True":
        return state in ("exited", "dead")
    return PROJECT not in labels


def project_labels(project: str) -> dict[str, str]:
    """The labels of everything that belongs to a project."""
    return {PROJECT: project, COMPOSE_PROJECT: project}
