"""Passwords that devbox made: nothing that it shows holds them, unless it is asked to."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.engine import silence
from tests.engine.mesh import PYTHON, Mesh, script

ROOT = Path(__file__).parents[2]

STORE = f"""
summary: A store of one's own
version: "1"
versions: ["1"]
ports: {{main: 7000}}
settings:
  password: {{generated: true, variable: STORE_PASSWORD}}
exports:
  password: "{{password}}"
  url: "http://me:{{password:url}}@${{host}}:${{port}}/"
container:
  image: example/store:{{version}}
  environment: {{STORE_PASSWORD: "{{password}}"}}
  probe: {{http: ":7000/"}}
embedded:
  install: comes with Python
  servers: [{{program: {Path(PYTHON).name}}}]
  environment: {{STORE_PASSWORD: "{{password}}"}}
  command: ["{{bin}}/{Path(PYTHON).name}", -m, http.server, --bind, 127.0.0.1, "${{port}}"]
  probe: {{http: ":7000/"}}
"""

TALKER = "import os; print('cannot reach', os.environ['DATABASE_URL'].rpartition('@')[2]); raise SystemExit(3)"
READER = "import time; print('reader runs', flush=True); time.sleep(3600)"

MANIFEST = f"""
name: hush
services:
  db: {{use: postgres, runtime: process}}
  store: {{use: ./backing/store.yaml, runtime: process}}
  reader:
    command: {script(READER)}
    environment:
      DATABASE_URL: "${{db.url}}"
      CACHE: "${{store.url}}"
      WORD: "${{store.password}}"
  talker:
    command: {script(TALKER)}
    restart: "no"
    environment: {{DATABASE_URL: "${{db.url}}"}}
  sick:
    command: {script(READER)}
    environment: {{DATABASE_URL: "${{db.url}}"}}
    health: {{exec: [sh, -c, 'echo refused; exit 1'], interval: 0.3s, retries: 2, start_period: 0s}}
"""


MADE = {"db.password", "store.password"}
COMMANDS = [
    *(("ps", "-a"), ("ps", "-a", "--format", "json"), ("top",), ("config",), ("config", "--format", "json")),
    *(("config", "--environment"), ("explain", "reader"), ("explain", "db"), ("logs",), ("events", "--no-follow")),
    *(("why", "talker"), ("why", "sick"), ("up", "--plan"), ("--progress", "json", "up", "-d")),
]
ROUTES = [
    *("/v1/state", "/v1/events", "/v1/why/talker", "/v1/config/reader"),
    *(f"/v1/{each}/{service}" for each in ("why", "probes", "metrics", "unit", "config") for service in ("db", "sick")),
]


@pytest.fixture(scope="module")
def hushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A mesh that came up as far as it can: one service ends, one is not well."""
    folder = tmp_path_factory.mktemp("hushed")
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    it = Mesh(folder / "project", MANIFEST, env)
    (it.directory / "backing").mkdir()
    (it.directory / "backing" / "store.yaml").write_text(STORE)
    done = it.devbox("up", "-d", "--wait", limit=90)
    assert done.returncode == 1
    assert {name: row["State"] for name, row in it.rows().items()}["db"] == "running", done.stderr
    assert_silent(it, done.stdout + done.stderr, "up")
    yield it
    it.end()


def assert_silent(mesh: Mesh, text: str, where: str) -> None:
    silence.assert_silent(silence.passwords(mesh, MADE), text, where)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_them(hushed: Mesh, command: tuple[str, ...]) -> None:
    done = hushed.devbox(*command)
    assert done.stdout + done.stderr
    assert_silent(hushed, done.stdout + done.stderr, " ".join(command))


@pytest.mark.parametrize("route", ROUTES)
def test_no_answer_holds_them(hushed: Mesh, route: str) -> None:
    assert_silent(hushed, json.dumps(silence.client(hushed, "hush").get(route)), route)


def test_the_panel_is_not_told_them(hushed: Mesh) -> None:
    """Its first frame is all there is; what follows are events."""
    frame = next(silence.client(hushed, "hush").lines("/v1/frames"))
    assert len(frame["rows"]) == 5
    assert_silent(hushed, json.dumps(frame), "the first frame")


def test_no_scrape_holds_them(hushed: Mesh) -> None:
    socket = str(silence.places(hushed, "hush").socket)
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://it") as it:
        answer = it.get("/metrics", timeout=20)
    assert "devbox_" in answer.text
    assert_silent(hushed, answer.text, "/metrics")


def test_no_argument_list_holds_them(hushed: Mesh) -> None:
    """Everybody on the machine can read those."""
    argv = [" ".join(process.cmdline()) for process in hushed.processes()]
    assert any("postgres" in each for each in argv)
    assert_silent(hushed, "\n".join(argv), "argument lists")


def test_no_report_holds_them(hushed: Mesh, tmp_path: Path) -> None:
    path = Path(hushed.ok("report", "-o", str(tmp_path / "report.tar.gz")).strip())
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            assert_silent(hushed, file.read().decode(errors="replace"), member.name)


def test_whoever_asks_is_shown_them(hushed: Mesh) -> None:
    shown = hushed.ok("exec", "-T", "reader", "env")
    assert all(each in shown for each in silence.passwords(hushed, MADE))
