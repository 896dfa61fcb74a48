"""An engine that goes away underneath a mesh, and comes back."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from devbox.control.client import Client
from devbox.domain.places import Places
from tests.docker.second import SecondEngine, second_engine
from tests.engine.mesh import SLEEPER, Mesh, script, until

Make = Callable[..., Mesh]

MANIFEST = f"""
name: t3away
services:
  box: {{image: devbox-test/base, command: sleep 3600, restart: always, stop_grace_period: 0s}}
  host: {{command: {script(SLEEPER)}}}
"""


@pytest.fixture(scope="module")
def second(engine: None) -> Iterator[SecondEngine]:
    # The socket's path has to be short, and that of `tmp_path` is not.
    with TemporaryDirectory(prefix="e2-") as folder, second_engine(Path(folder) / "e", "devbox-test/base") as it:
        yield it


@pytest.fixture
def away(mesh: Make, second: SecondEngine) -> Iterator[Mesh]:
    it = mesh(MANIFEST)
    it.env["DOCKER_HOST"] = second.address
    it.ok("up", "-d", "--wait")
    yield it
    it.ok("down", "-v", "-t", "0")
    assert second.docker("ps", "-aq").split() == []


def snapshot(mesh: Mesh) -> dict[str, object]:
    """What a view is given first."""
    places = Places("t3away", mesh.home / "t3away")
    return dict(Client(places.socket, places.project).get("/v1/state"))


def test_an_engine_that_went_is_told_of_with_its_address_and_comes_back_with_nothing_doubled(
    away: Mesh, second: SecondEngine
) -> None:
    pid = away.pids()["host"]
    assert snapshot(away)["outages"] == []
    second.end(signal.SIGKILL)
    until(lambda: bool(snapshot(away)["outages"]), 5.0, "word of the outage")
    (outage,) = snapshot(away)["outages"]  # type: ignore[misc]
    assert outage["runtime"] == "docker"
    assert outage["address"] == second.address
    assert second.address in outage["message"]
    assert "docker info" in outage["hint"]
    said = json.loads(away.ok("why", "box", "--format", "json"))
    assert said["culprit"] == "docker"
    assert second.address in said["first_cause"]
    assert "docker info" in said["try_next"]
    done = away.devbox("restart", "box")
    assert done.returncode == 3, done.stderr
    assert second.address in done.stderr
    assert away.devbox("up", "-d").returncode == 3
    away.ok("restart", "host")
    assert away.pids()["host"] != pid
    second.start()
    until(lambda: not snapshot(away)["outages"], 5.0, "word that it is back")
    away.ok("up", "-d", "--wait")
    assert len(second.docker("ps", "-q").split()) == 1
    assert len(second.docker("ps", "-aq").split()) == 1


def test_a_supervisor_that_starts_without_its_engine_says_so(away: Mesh, second: SecondEngine) -> None:
    away.supervisor().send_signal(signal.SIGKILL)
    second.end()
    done = away.devbox("up", "-d")
    assert done.returncode == 3, done.stderr
    assert second.address in done.stderr
    assert away.devbox("down").returncode == 3
    second.start()
    away.ok("up", "-d", "--wait")
    assert len(second.docker("ps", "-aq").split()) == 1
    assert json.loads(second.docker("inspect", "t3away-box-1"))[0]["State"]["Running"]
