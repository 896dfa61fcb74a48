"""Services of which the data are deleted while the others run on."""

from __future__ import annotations

from collections.abc import Callable

from tests.docker.conftest import docker
from tests.engine.mesh import Mesh

BASE = "image: devbox-test/base, init: true, stop_grace_period: 0s"
COUNT = "sh -c 'echo once >> /data/starts; sleep 3600'"
MANIFEST = f"""
name: t8pfresh
services:
  box: {{{BASE}, command: "{COUNT}", volumes: ["data:/data"]}}
  one: {{{BASE}, command: "{COUNT}", volumes: ["shared:/data"]}}
  two: {{{BASE}, command: sleep 3600, volumes: ["shared:/data"]}}
volumes: {{data: {{}}, shared: {{}}}}
"""


def starts(mesh: Mesh) -> int:
    return len(mesh.ok("exec", "-T", "box", "cat", "/data/starts").split())


def test_a_container_begins_with_an_empty_volume_that_down_still_finds(mesh: Callable[..., Mesh]) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--wait")
    it.ok("restart", "box")
    assert starts(it) == 2
    others = [docker("inspect", "-f", "{{.Id}}", f"t8pfresh-{name}-1") for name in ("one", "two")]
    it.ok("restart", "--fresh-data", "box")
    assert starts(it) == 1
    assert others == [docker("inspect", "-f", "{{.Id}}", f"t8pfresh-{name}-1") for name in ("one", "two")]
    refused = it.devbox("restart", "--fresh-data", "one")
    assert (refused.returncode, "one shares the volume shared with two" in refused.stderr) == (2, True)
    it.ok("down", "-v")
    assert docker("volume", "ls", "-q", "-f", "name=t8pfresh").split() == []
