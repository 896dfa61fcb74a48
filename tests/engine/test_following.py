"""A manifest that is saved while the mesh runs: planned and shown, taken over when asked, harmless when broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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


def test_an_override_that_comes_later_counts_and_one_that_goes_does_not(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--follow-manifest")
    before, override = it.pids(), it.directory / "devbox.override.yaml"
    override.write_text("services: {api: {environment: {MODE: three}}}\n")
    until(lambda: it.pids().get("api", before["api"]) != before["api"], 20.0, "an api with what the override says")
    told = {each["key"]: each for each in client_of(it).get("/v1/config/api")}
    assert told["environment.MODE"]["value"] == "three"
    assert told["environment.MODE"]["origin"].endswith("devbox.override.yaml:1:32")
    between = it.pids()
    override.unlink()
    until(lambda: it.pids().get("api", between["api"]) != between["api"], 20.0, "an api without the override")
    assert it.pids()["worker"] == before["worker"]


def test_a_manifest_that_was_named_has_no_override(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("-f", "devbox.yaml", "up", "-d")
    client = client_of(it)
    (it.directory / "devbox.override.yaml").write_text("services: {api: {environment: {MODE: three}}}\n")
    it.write(MANIFEST.replace("one", "two"))
    until(lambda: pending(client) is not None, 20.0, "the saved change")
    waiting = pending(client)
    assert waiting is not None
    assert waiting["file"] == "devbox.yaml"
    (told,) = [each for each in client.get("/v1/config/api") if each["key"] == "environment.MODE"]
    assert told["value"] == "two"


SPREAD = """
name: follow
include: [parts/compose.yaml]
services:
  api:
    extends: {file: base/base.yaml, service: core}
    environment: {LEVEL: "${LEVEL:-none}"}
    env_file: [{path: settings/late.env, required: false}]
"""
PART = f"""
services:
  part:
    command: {script(SLEEPER)}
    environment: {{MODE: one}}
"""
BASE = PART.replace("part:", "core:")


def test_files_that_are_included_extended_or_yet_to_come_are_followed(mesh: Make) -> None:
    it = mesh(SPREAD)
    for name, text in (("parts/compose.yaml", PART), ("base/base.yaml", BASE)):
        (it.directory / name).parent.mkdir()
        (it.directory / name).write_text(text)
    it.ok("up", "-d", "--follow-manifest")

    def another(service: str, name: str, text: str | None, value: str) -> None:
        """Write or remove a file, and wait for a service that has this variable; the other one stays as it was."""
        before = it.pids()
        file = it.directory / name
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        until(lambda: it.pids().get(service, before[service]) != before[service], 25.0, f"{service} after {name}")
        (other,) = it.pids().keys() - {service}
        assert it.pids()[other] == before[other]
        assert f"={value}\0" in Path(f"/proc/{it.pids()[service]}/environ").read_text()

    another("part", "parts/compose.yaml", PART.replace("one", "two"), "two")
    another("api", "base/base.yaml", BASE.replace("one", "three"), "three")
    another("api", ".env", "LEVEL=from-dotenv\n", "from-dotenv")
    another("api", ".env", None, "none")
    another("api", "settings/late.env", "LATE=yes\n", "yes")
    another("api", "settings/late.env", "LATE=later\n", "later")


def test_a_broken_save_of_an_included_file_changes_nothing_until_it_is_mended(mesh: Make) -> None:
    it = mesh(SPREAD.replace("extends: {file: base/base.yaml, service: core}", f"command: {script(SLEEPER)}"))
    part = it.directory / "parts" / "compose.yaml"
    part.parent.mkdir()
    part.write_text(PART)
    it.ok("up", "-d", "--follow-manifest")
    before, client = it.pids(), client_of(it)

    def problems() -> list[str]:
        return list((pending(client) or {}).get("problems") or ())

    part.write_text(PART.replace("command", "comand"))
    until(lambda: any("parts/compose.yaml:4:5" in each for each in problems()), 25.0, "the errors of the save")
    assert "Did you mean command?" in problems()[0]
    part.write_text(PART.replace("environment: {MODE: one}", "env_file: gone/late.env"))
    until(lambda: any("late.env" in each for each in problems()), 25.0, "the error about a missing file")
    assert it.pids() == before
    (it.directory / "parts" / "gone").mkdir()
    (it.directory / "parts" / "gone" / "late.env").write_text("MODE=late\n")
    until(lambda: it.pids().get("part", before["part"]) != before["part"], 25.0, "a part with its file")
    assert it.pids()["api"] == before["api"]
    assert pending(client) is None
