"""Passwords of servers in containers: nothing shows them but the environment of those who need them."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.docker.conftest import docker
from tests.docker.remains import running
from tests.engine import silence
from tests.engine.mesh import Mesh

ROOT = Path(__file__).parents[2]

STORE = """
summary: A store of one's own
version: "7"
versions: ["7"]
ports: {main: 6379}
settings:
  password: {generated: true, variable: STORE_PASSWORD}
exports:
  password: "{password}"
  url: "redis://:{password:url}@${host}:${port}/0"
container:
  image: redis:{version}
  entrypoint: [sh, -c, "exec redis-server /store.conf --bind 0.0.0.0"]
  environment: {STORE_PASSWORD: "{password}"}
  console: [sh, -c, 'REDISCLI_AUTH="$STORE_PASSWORD" exec redis-cli']
  files:
    - path: /store.conf
      text: |
        requirepass "{password}"
  probe: {exec: [sh, -c, 'REDISCLI_AUTH="$STORE_PASSWORD" redis-cli ping | grep -x PONG'], interval: 1}
"""

MANIFEST = """
name: hushbox
services:
  store: {use: ./store.yaml}
  reader:
    image: devbox-test/base
    command: [sleep, infinity]
    init: true
    environment: {STORE: "${store.url}", WORD: "${store.password}"}
  talker:
    image: devbox-test/base
    command: [sh, -c, 'echo cannot reach "$${STORE##*@}"; exit 3']
    restart: "no"
    environment: {STORE: "${store.url}"}
  sick:
    image: devbox-test/base
    command: [sleep, infinity]
    init: true
    environment: {STORE: "${store.url}"}
    health: {exec: [sh, -c, 'echo refused; exit 1'], interval: 0.5s, retries: 2, start_period: 0s}
"""

MADE = {"store.password"}
COMMANDS = [
    *(("ps", "-a"), ("ps", "-a", "--format", "json"), ("top",), ("config",), ("config", "--format", "json")),
    *(("explain", "reader"), ("explain", "store"), ("logs",), ("events", "--no-follow"), ("why", "talker")),
    *(("why", "sick"), ("up", "--plan"), ("--progress", "json", "up", "-d"), ("images",)),
]
ROUTES = [
    *("/v1/state", "/v1/events"),
    *(
        f"/v1/{each}/{service}"
        for each in ("why", "probes", "metrics", "unit", "config")
        for service in ("store", "sick")
    ),
]


@pytest.fixture(scope="module")
def hushed(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A mesh that came up as far as it can: one service ends, one is not well."""
    folder = tmp_path_factory.mktemp("hushed")
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    it = Mesh(folder / "project", MANIFEST, env)
    (it.directory / "store.yaml").write_text(STORE)
    done = it.devbox("up", "-d", "--wait", limit=120)
    assert done.returncode == 1
    assert it.rows()["store"]["Health"] == "healthy", done.stderr
    silent(it, done.stdout + done.stderr, "up")
    yield it
    it.end()
    assert running("hushbox") == set()


def silent(mesh: Mesh, text: str, where: str) -> None:
    silence.assert_silent(silence.passwords(mesh, MADE), text, where)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_them(hushed: Mesh, command: tuple[str, ...]) -> None:
    done = hushed.devbox(*command)
    assert done.stdout + done.stderr
    silent(hushed, done.stdout + done.stderr, " ".join(command))


@pytest.mark.parametrize("route", ROUTES)
def test_no_answer_holds_them(hushed: Mesh, route: str) -> None:
    silent(hushed, json.dumps(silence.client(hushed, "hushbox").get(route)), route)


def test_neither_panel_nor_scrape_holds_them(hushed: Mesh) -> None:
    frame = next(silence.client(hushed, "hushbox").lines("/v1/frames"))
    assert len(frame["rows"]) == 4
    silent(hushed, json.dumps(frame), "the first frame")
    socket = str(silence.places(hushed, "hushbox").socket)
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://it") as it:
        silent(hushed, it.get("/metrics", timeout=20).text, "/metrics")


def test_no_argument_list_holds_them(hushed: Mesh) -> None:
    """Everybody on the machine can read those of the processes in containers too."""
    argv = [docker("top", each, "-eo", "pid,args") for each in running("hushbox")]
    assert any("redis-server" in each for each in argv)
    silent(hushed, "\n".join(argv), "argument lists in containers")
    own = [" ".join(process.cmdline()) for process in hushed.processes()]
    silent(hushed, "\n".join(own), "argument lists of devbox")


def test_the_engine_is_told_them_as_environment_alone(hushed: Mesh) -> None:
    """Where the official images take them; not in labels, commands, checks or mounts, which every tool lists."""
    for each in running("hushbox"):
        (about,) = json.loads(docker("inspect", each))
        del about["Config"]["Env"]
        silent(hushed, json.dumps(about, indent=1), f"inspect {about['Name']}")


def test_no_report_holds_them(hushed: Mesh, tmp_path: Path) -> None:
    path = Path(hushed.ok("report", "-o", str(tmp_path / "report.tar.gz")).strip())
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            silent(hushed, file.read().decode(errors="replace"), member.name)


def test_no_log_of_the_engine_holds_them(hushed: Mesh) -> None:
    for each in running("hushbox"):
        silent(hushed, docker("logs", each), "docker logs")


def test_whoever_asks_is_shown_them(hushed: Mesh) -> None:
    secrets = silence.passwords(hushed, MADE)
    shown = hushed.ok("exec", "-T", "reader", "env")
    assert all(each in shown for each in secrets)
    asked = json.dumps(silence.client(hushed, "hushbox").get("/v1/unit/store?secrets=1"))
    assert any(each in asked for each in secrets)
