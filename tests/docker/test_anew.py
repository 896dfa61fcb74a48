"""Containers made anew though nothing changed, and what comes of those that failed, or that belong to nobody."""

from __future__ import annotations

from collections.abc import Callable

from tests.docker.conftest import docker
from tests.docker.remains import everything, left, running
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


def of_compose(service: str) -> str:
    """A container as `docker compose` makes it for the project; its id."""
    labels = {"project": "t3anew", "service": service, "container-number": "1", "oneoff": "False"}
    marks = [f"--label=com.docker.compose.{name}={value}" for name, value in labels.items()]
    return docker("run", "-d", "--init", "--name", f"t3anew-{service}-1", *marks, "devbox-test/base", "sleep", "3600")


def test_containers_that_another_tool_made_are_told_of_and_removed_if_asked(mesh: Make) -> None:
    before = everything()
    it = mesh(MANIFEST)
    of_compose("old")
    of_compose("box")
    refused = it.devbox("up", "-d", "--wait", "box", "other")
    assert refused.returncode == 1
    assert "`devbox up --remove-orphans` does, if another tool made it for this project" in refused.stderr
    docker("rm", "-f", "t3anew-box-1")
    told = it.devbox("up", "-d", "--wait")
    assert told.returncode == 0, told.stderr
    assert "other tools made containers of this project: t3anew-old-1; `--remove-orphans` removes them" in told.stderr
    it.ok("run", "-T", "box", "true")
    assert len(docker("ps", "-aq", "-f", "label=com.docker.compose.project=t3anew").split()) == 5
    done = it.devbox("up", "-d", "--wait", "--remove-orphans")
    assert done.returncode == 0, done.stderr
    assert "removed container t3anew-old-1, which belonged to no service" in done.stderr
    assert sorted(ids("box", "other", "job")) == ["box", "job", "other"]
    assert len(docker("ps", "-aq", "-f", "label=com.docker.compose.project=t3anew").split()) == 3
    of_compose("old")
    it.ok("down", "--remove-orphans")
    assert left(before, ["t3anew"]) == []
