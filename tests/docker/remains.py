"""What a project left in the engine, however many others use the same engine meanwhile."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection
from typing import Any

from tests.docker.engine import CLIENT

_LISTS = {
    "container": ("ps", "-aq", "--no-trunc"),
    "network": ("network", "ls", "-q", "--no-trunc"),
    "volume": ("volume", "ls", "-q"),
}
_ANONYMOUS_NAME = 64
"""How long the names are that the engine makes up for volumes."""

Things = frozenset[tuple[str, str]]


def everything() -> Things:
    """Every container, network and volume of the engine."""
    return frozenset((kind, name) for kind, words in _LISTS.items() for name in _said(*words).split())


def running(project: str) -> set[str]:
    """The ids of a project's running containers."""
    return set(_said("ps", "-q", "--no-trunc", "-f", f"label=com.docker.compose.project={project}").split())


def left(before: Things, projects: Collection[str]) -> list[str]:
    """What is there that was not before, and belongs to these projects or to nobody who says so."""
    dangling = set(_said("volume", "ls", "-q", "-f", "dangling=true").split())
    found = []
    for kind, name in sorted(everything() - before):
        thing = _inspected(kind, name)
        if thing is not None and _is_theirs(kind, name, thing, projects, dangling):
            found.append(f"{kind} {thing.get('Name') or name}")
    return found


def _is_theirs(kind: str, name: str, thing: dict[str, Any], projects: Collection[str], dangling: set[str]) -> bool:
    labels = (thing.get("Config") or thing).get("Labels") or {}
    project = labels.get("com.docker.compose.project")
    if project is not None:
        return project in projects
    if kind == "volume" and len(name) == _ANONYMOUS_NAME:
        return name in dangling
    own = thing["Name"].lstrip("/")
    return any(own.startswith((f"{each}-", f"{each}_")) for each in projects)


def _inspected(kind: str, name: str) -> dict[str, Any] | None:
    """A thing as the engine describes it; None once somebody else has removed theirs."""
    shown = subprocess.run([CLIENT, kind, "inspect", name], capture_output=True, text=True)
    return None if shown.returncode else dict(json.loads(shown.stdout)[0])


def _said(*args: str) -> str:
    return subprocess.run([CLIENT, *args], capture_output=True, text=True, check=True).stdout
