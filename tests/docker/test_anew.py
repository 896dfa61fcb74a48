"""Containers made anew though nothing changed, and what comes of one that failed and was removed."""

from __future__ import annotations

from collections.abc import Callable

from tests.docker.conftest import docker
from tests.docker.remains import running
from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]

BASE = "image: devbox-test/base, init: true, stop_grace_period: 0s"
MANIFEST = f"""
name: t3anew
services:
  box: {{{BASE}, command: sleep 3600}}
  other: {{{BASE}, command: sleep 3600}}
  job: {{{BASE}, command: "sh -c 'echo done'"}}
  gate:
    {{{BASE}, command: "sh -c '[ -e /here/go ] && sleep 3600; exit 7'", volumes: ["./here:/here"], profiles: [gate]}}
"""


def ids(*services: str) -> dict[str, str]:
    """The container of each service, by its full id."""
    return {each: docker("inspect", "-f", "{{.Id}}", f"t3anew-{each}-1").strip() for each in services}


def test_force_recreate_makes_another_container_of_the_same_image(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--wait")
    first = ids("box", "other", "job")
    it.ok("up", "-d", "--wait")
    it.ok("restart", "box")
    assert ids("box", "other", "job") == first
    it.ok("up", "-d", "--wait", "--force-recreate", "box")
    second = ids("box", "other", "job")
    assert [name for name in first if first[name] != second[name]] == ["box"]
    it.ok("stop", "box")
    it.ok("up", "-d", "--wait", "--force-recreate")
    third = ids("box", "other", "job")
    assert [name for name in first if second[name] == third[name]] == []
    assert running("t3anew") == {third["box"], third["other"]}
    assert it.ok("logs", "--no-log-prefix", "job").split() == ["done", "done"]


def test_what_failed_can_be_removed_and_brought_up_again(mesh: Make) -> None:
    it = mesh(MANIFEST)
    done = it.devbox("up", "-d", "--wait", "gate")
    assert (done.returncode, "gate: exited with 7" in done.stderr) == (1, True)
    it.ok("rm", "-f", "gate")
    assert docker("ps", "-aq", "-f", "name=t3anew-gate").split() == []
    (it.directory / "here" / "go").touch()
    it.ok("up", "-d", "--wait", "gate")
    assert len(running("t3anew")) == 1
    assert "gate runs; stop it first" in it.devbox("rm", "-f", "gate").stderr
