"""Containers on a real engine: up, looked at, broken, found again, gone."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable

from tests.docker.conftest import docker
from tests.docker.remains import everything, left, running
from tests.engine.mesh import SLEEPER, Mesh, script, until

Make = Callable[..., Mesh]

TICKER = "sh -c \"trap 'exit 0' TERM; n=0; while true; do echo tick $$n; n=$$((n+1)); sleep 0.05; done\""

MIXED = f"""
name: mixed
services:
  cache: {{use: "redis:7", runtime: docker}}
  box:
    image: devbox-test/base
    command: {TICKER}
    environment: {{CACHE: "${{cache.url}}"}}
  host:
    command: {script("import os, time; print('host sees', os.environ['CACHE'], flush=True); time.sleep(3600)")}
    environment: {{CACHE: "${{cache.url}}"}}
"""


def ping(port: int) -> bytes:
    """What Redis answers on a published port."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as conn:
        conn.sendall(b"PING\r\n")
        return conn.recv(16)


def test_containers_and_processes_in_one_mesh_and_nothing_left(mesh: Make) -> None:
    before = everything()
    it = mesh(MIXED)
    it.ok("up", "-d", "--wait")
    rows = it.rows()
    assert {name: row["Runtime"] for name, row in rows.items()} == {
        "cache": "docker",
        "box": "docker",
        "host": "process",
    }
    port = rows["cache"]["Publishers"][0]["PublishedPort"]
    assert ping(port) == b"+PONG\r\n"
    assert f"host sees redis://127.0.0.1:{port}/0" in it.ok("logs", "host")
    env = docker("exec", "mixed-box-1", "env")
    assert "CACHE=redis://cache:6379/0" in env
    assert it.ok("up", "--plan").strip() == "nothing to do"
    it.ok("down", "-v", "-t", "1")
    assert left(before, ["mixed"]) == []


def test_a_use_entry_takes_the_engine_where_one_answers(mesh: Make) -> None:
    it = mesh('name: pick\nservices:\n  cache: {use: "redis:7"}\n  pinned: {use: redis, runtime: process}\n')
    it.ok("up", "-d", "--wait")
    rows = it.rows()
    assert rows["cache"]["Runtime"] == "docker"
    assert rows["pinned"]["Runtime"] == "process"


def test_compose_labels_let_other_tools_group_them(mesh: Make) -> None:
    it = mesh(MIXED)
    it.ok("up", "-d", "box")
    labels = json.loads(docker("inspect", "-f", "{{json .Config.Labels}}", "mixed-box-1"))
    assert labels["com.docker.compose.project"] == "mixed"
    assert labels["com.docker.compose.service"] == "box"
    assert labels["com.docker.compose.container-number"] == "1"
    assert labels["dev.devbox.fingerprint"] == it.rows()["box"]["Fingerprint"]


def test_a_killed_supervisor_finds_its_containers_and_their_logs_again(mesh: Make) -> None:
    it = mesh(f"name: box\nservices:\n  box:\n    image: devbox-test/base\n    command: {TICKER}\n")
    it.ok("up", "-d", "--wait")
    before = running("box")
    it.supervisor().send_signal(signal.SIGKILL)
    time.sleep(0.5)
    it.ok("up", "-d", "--wait")
    assert running("box") == before
    it.ok("stop", "box")
    numbers = [int(line.split()[1]) for line in it.ok("logs", "--no-log-prefix").splitlines()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 20


def test_a_container_that_dies_is_noticed_and_restarted_and_explained(mesh: Make) -> None:
    it = mesh(
        f"name: box\nservices:\n  box:\n    image: devbox-test/base\n    command: {TICKER}\n    restart: always\n"
    )
    it.ok("up", "-d", "--wait")
    docker("kill", "box-box-1")
    until(lambda: it.rows()["box"]["Restarts"] == 1, what="the restart")
    assert "killed by SIGKILL" in it.ok("why", "box")


def test_a_container_that_somebody_removes_is_made_again(mesh: Make) -> None:
    it = mesh(
        f"name: box\nservices:\n  box:\n    image: devbox-test/base\n    command: {TICKER}\n    restart: always\n"
    )
    it.ok("up", "-d", "--wait")
    old = running("box")
    docker("rm", "-f", "box-box-1")
    until(lambda: running("box") not in (set(), old), what="another container")


def test_down_keeps_data_and_down_v_drops_it(mesh: Make) -> None:
    it = mesh('name: kept\nservices:\n  cache: {use: "redis:7", runtime: docker}\n')
    it.ok("up", "-d", "--wait")
    docker("exec", "kept-cache-1", "redis-cli", "set", "k", "v")
    docker("exec", "kept-cache-1", "redis-cli", "save")
    it.ok("down")
    assert "kept_cache-data" in docker("volume", "ls", "-q")
    it.ok("up", "-d", "--wait")
    assert docker("exec", "kept-cache-1", "redis-cli", "get", "k") == "v\n"
    it.ok("down", "-v")
    assert "kept_cache-data" not in docker("volume", "ls", "-q")


def test_what_the_engine_refuses_is_said_in_its_words(mesh: Make) -> None:
    it = mesh("name: bad\nservices:\n  it:\n    image: devbox-test/base\n    command: [no-such-program]\n")
    done = it.devbox("up", "-d", "--wait")
    assert done.returncode == 1
    assert "executable file not found" in done.stderr
    assert "the image has no such file" in done.stderr


def test_an_image_that_cannot_be_had_is_named(mesh: Make) -> None:
    it = mesh("name: bad\nservices:\n  it:\n    image: localhost:1/no/such:image\n")
    done = it.devbox("up", "-d", "--wait")
    assert done.returncode == 1
    assert "it: cannot pull localhost:1/no/such:image" in done.stderr


def test_an_engine_that_is_not_there_is_exit_3_with_the_address(mesh: Make) -> None:
    it = mesh("name: away\nservices:\n  it:\n    image: devbox-test/base\n    command: sleep 9\n")
    it.env["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    done = it.devbox("up", "-d")
    assert done.returncode == 3
    assert "no container engine answers at unix:///nowhere/docker.sock (DOCKER_HOST)" in done.stderr
    del it.env["DOCKER_HOST"]


def test_two_copies_and_a_change_replaces_only_what_changed(mesh: Make) -> None:
    manifest = (
        f"name: two\nservices:\n  box:\n    image: devbox-test/base\n    command: {TICKER}\n    scale: 2\n"
        f"  host:\n    command: {script(SLEEPER)}\n"
    )
    it = mesh(manifest)
    it.ok("up", "-d", "--wait")
    pid = it.pids()["host"]
    ids = running("two")
    assert len(ids) == 2
    it.write(manifest.replace("scale: 2\n", "scale: 2\n    environment: {A: b}\n"))
    it.ok("up", "-d", "--wait")
    assert it.pids()["host"] == pid
    assert not ids & running("two")
