"""A mesh on Podman, through the socket that it offers to whoever speaks Docker."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.docker.conftest import ROOT, have_images
from tests.engine.mesh import Mesh, until
from tests.podman.podman import Podman, podman

MANIFEST = """
name: t3pod
services:
  db:
    image: devbox-test/base
    command: sh -c "exec redis-server --bind 0.0.0.0 --protected-mode no"
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s}
    ports: ["6379"]
    volumes: [data:/data]
    restart: always
    stop_grace_period: 1s
  api:
    image: devbox-test/base
    command: sh -c 'redis-cli -h db set a b; echo words; echo mistakes >&2; sleep 3600'
    init: true
    depends_on: {db: {condition: service_healthy}}
    networks: [default, back]
    secrets: [word]
    stop_grace_period: 0s
  own:
    build: {context: ., ulimits: {nofile: 1000}, extra_hosts: ["far:10.1.2.3"]}
    command: sleep 3600
    init: true
    stop_grace_period: 0s
  job: {image: devbox-test/base, command: sh -c 'exit 0'}
volumes: {data: {}}
networks: {back: {}}
secrets: {word: {environment: WORD}}
"""
DOCKERFILE = "FROM devbox-test/base\nRUN (ulimit -Sn; getent hosts far) > /seen\n"


@pytest.fixture(scope="module")
def there(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    have_images()
    with podman(tmp_path_factory.mktemp("podman"), "devbox-test/base") as it:
        yield it


@pytest.fixture(scope="module")
def mesh(there: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """The mesh, up; after all the tests nothing of it is left."""
    folder = tmp_path_factory.mktemp("mesh")
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    env |= {"DOCKER_HOST": there.address, "WORD": "of the shell"}
    it = Mesh(folder / "project", MANIFEST, env, there.enter)
    (it.directory / "Dockerfile").write_text(DOCKERFILE)
    try:
        it.ok("up", "-d", "--wait", limit=120)
        yield it
        it.ok("down", "-v", "--rmi", "local")
        mine = "label=com.docker.compose.project=t3pod"
        left = [there.docker(*words, "-q", "-f", mine) for words in (("ps", "-a"), ("network", "ls"), ("volume", "ls"))]
        assert left == ["", "", ""]
    finally:
        it.end()


def test_it_is_up_and_a_second_look_finds_nothing_to_do(mesh: Mesh) -> None:
    states = {name: (row["State"], row["Health"]) for name, row in mesh.rows().items()}
    assert states["db"] == ("running", "healthy")
    assert states["api"][0] == states["own"][0] == "running"
    assert mesh.rows()["job"]["ExitCode"] == 0
    assert mesh.ok("up", "-d", "--plan") == "nothing to do\n"


def test_logs_of_both_streams(mesh: Mesh) -> None:
    until(lambda: {"words", "mistakes"} <= {*mesh.ok("logs", "--no-log-prefix", "api").split()}, what="both lines")


def test_programs_in_containers(mesh: Mesh) -> None:
    assert mesh.ok("exec", "-T", "api", "redis-cli", "-h", "db", "get", "a") == "b\n"
    assert mesh.ok("exec", "-T", "api", "cat", "/run/secrets/word") == "of the shell"
    assert mesh.devbox("exec", "-T", "api", "sh", "-c", "exit 7").returncode == 7
    assert mesh.ok("run", "--rm", "-T", "api", "echo", "once") == "once\n"
    assert "sleep 3600" in mesh.ok("top", "api")


def test_files_both_ways(mesh: Mesh) -> None:
    (mesh.directory / "file").write_text("there and back")
    mesh.ok("cp", "file", "api:/tmp/file")
    mesh.ok("cp", "api:/tmp/file", "again")
    assert (mesh.directory / "again").read_text() == "there and back"


def test_a_build_with_what_it_asks_for(mesh: Mesh) -> None:
    limit, *host = mesh.ok("exec", "-T", "own", "cat", "/seen").split()
    assert (limit, host[0]) == ("1000", "10.1.2.3")


def test_a_build_that_fails_names_the_step(mesh: Mesh) -> None:
    mesh.write(MANIFEST.replace("context: .,", "context: ., dockerfile: Bad,"))
    (mesh.directory / "Bad").write_text("FROM devbox-test/base\nRUN echo words >&2; exit 7\n")
    done = mesh.devbox("build")
    mesh.write(MANIFEST)
    assert done.returncode == 1
    assert "failed at: RUN echo words" in done.stderr
    assert "exit status 7" in done.stderr


def test_a_changed_image_counts(mesh: Mesh) -> None:
    def container() -> tuple[str, int]:
        return str(json.loads(mesh.ok("ps", "--format", "json", "own"))["Fingerprint"]), mesh.rows()["own"]["Pid"]

    before = container()
    (mesh.directory / "Dockerfile").write_text(DOCKERFILE + "RUN true\n")
    mesh.ok("up", "-d", "--build", "--wait", limit=120)
    assert container()[1] != before[1]


def test_what_others_do_is_seen(mesh: Mesh, there: Podman) -> None:
    def pid() -> int | None:
        row = mesh.rows()["db"]
        return row["Pid"] if row["Health"] == "healthy" else None

    for act in (("kill", "t3pod-db-1"), ("rm", "-f", "t3pod-db-1"), ("restart", "-t", "1", "t3pod-db-1")):
        before = pid()
        there.docker(*act)
        until(lambda before=before: pid() not in (before, None), 30.0, f"the return after {act[0]}")


def test_pause_stop_start_and_restart(mesh: Mesh) -> None:
    mesh.ok("pause", "api")
    until(lambda: mesh.rows()["api"]["Status"] == "paused", what="the pause")
    mesh.ok("unpause", "api")
    until(lambda: mesh.rows()["api"]["Status"] == "running", what="its end")
    mesh.ok("restart", "api")
    mesh.ok("stop", "api")
    until(lambda: mesh.rows()["api"]["Status"] not in ("running", "paused"), what="the stop")
    mesh.ok("start", "api")
    until(lambda: mesh.rows()["api"]["Status"] == "running", what="the start")


def test_a_supervisor_that_was_killed_finds_them_again(mesh: Mesh) -> None:
    before = mesh.pids()
    mesh.supervisor().kill()
    mesh.ok("up", "-d", "--wait", limit=60)
    assert mesh.pids() == before
