"""A manifest that is saved while the mesh runs: planned and shown, taken over when asked, harmless when broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devbox.control.client import Client
from devbox.control.protocol import Action, Command, Goal
from devbox.domain.codec import encode
from devbox.domain.places import Places
from tests.engine.mesh import SLEEPER, Mesh, script, until

Make = Callable[..., Mesh]

MANIFEST = f"""
name: follow
services:
  api:
    command: {script(SLEEPER)}
    environment: {{MODE: one, TOKEN: hush}}
  worker:
    command: {script(SLEEPER)}
"""


def client_of(mesh: Mesh) -> Client:
    places = Places("follow", mesh.home / "follow")
    return Client(places.socket, "follow")


def pending(client: Client) -> dict[str, Any] | None:
    found: dict[str, Any] | None = client.get("/v1/state")["pending"]
    return found


def test_a_saved_change_is_planned_and_taken_over_when_asked(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d")
    before, client = it.pids(), client_of(it)
    it.write(MANIFEST.replace("one", "two"))
    until(lambda: pending(client) is not None, 10.0, "the saved change")
    waiting = pending(client)
    assert waiting is not None
    assert waiting["file"] == "devbox.yaml"
    assert any("api" in step and "its environment changed" in step for step in waiting["plan"])
    assert not any("worker" in step for step in waiting["plan"])
    assert it.pids() == before
    client.post("/v1/command", encode(Command(Action.FOLLOW, by="a test", goal=Goal.READY)))
    after = it.pids()
    assert after["worker"] == before["worker"]
    assert after["api"] != before["api"]
    assert pending(client) is None


def test_a_broken_save_changes_nothing_and_shows_its_errors(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d")
    before, client = it.pids(), client_of(it)
    it.write(MANIFEST.replace("environment:", "enviroment:"))
    until(lambda: pending(client) is not None, 10.0, "the errors of the save")
    waiting = pending(client)
    assert waiting is not None
    (problem,) = waiting["problems"]
    assert "devbox.yaml:6:5" in problem
    assert "Did you mean environment?" in problem
    assert it.pids() == before
    it.write(MANIFEST)
    until(lambda: pending(client) is None, 10.0, "the end of the errors")


def test_what_is_followed_is_taken_over_at_once(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--follow-manifest")
    before = it.pids()
    it.write(MANIFEST.replace("one", "two"))
    until(lambda: it.pids().get("api", before["api"]) != before["api"], 15.0, "the new api")
    assert it.pids()["worker"] == before["worker"]
    told = {each["key"]: each for each in client_of(it).get("/v1/config/api")}
    assert told["environment.MODE"]["value"] == "two"
    assert told["environment.MODE"]["origin"].endswith("devbox.yaml:6:19")
    assert told["environment.TOKEN"]["value"] == "********"


def test_a_file_that_comes_to_be_named_is_followed_too(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--follow-manifest")
    (it.directory / "settings").mkdir()
    (it.directory / "settings" / "worker.env").write_text("LEVEL=info\n")
    before = it.pids()
    it.write(MANIFEST + "    env_file: settings/worker.env\n")
    until(lambda: it.pids().get("worker", before["worker"]) != before["worker"], 15.0, "a worker with a file")
    between = it.pids()
    (it.directory / "settings" / "worker.env").write_text("LEVEL=debug\n")
    until(
        lambda: it.pids().get("worker", between["worker"]) != between["worker"], 15.0, "a worker with other variables"
    )
    assert it.pids()["api"] == before["api"]
