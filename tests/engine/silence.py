"""What must not be told: the passwords that devbox made for a mesh, in each form in which a text may hold them."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Set as AbstractSet

from devbox.control.client import Client
from devbox.domain.places import Places
from tests.engine.mesh import Mesh


def passwords(mesh: Mesh, names: AbstractSet[str]) -> set[str]:
    """Those that were made, which must be the ones of these names."""
    (kept,) = mesh.home.rglob("secrets.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    made = json.loads(kept.read_text())
    assert made.keys() == names
    return {form for each in made.values() for form in (each, urllib.parse.quote(each, safe=""))}


def places(mesh: Mesh, project: str) -> Places:
    return Places(project, mesh.home / project)


def client(mesh: Mesh, project: str) -> Client:
    return Client(places(mesh, project).socket, project)


def assert_silent(secrets: set[str], text: str, where: str) -> None:
    told = [line for line in text.splitlines() if any(each in line for each in secrets)]
    assert not told, f"{where}: {told[:3]}"
