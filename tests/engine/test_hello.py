"""The mesh that newcomers see first, whole: real Postgres, real Redis, Python and Node."""

from __future__ import annotations

import json
import os
import shutil
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.mesh import Mesh, until

PROFILE = Path(__file__).parents[2] / "profiles" / "hello"
SERVICES = {"db", "cache", "migrate", "orders", "worker", "prices", "web", "traffic"}


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    folder = tmp_path_factory.mktemp("hello")
    shutil.copytree(PROFILE, folder / "hello")
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "HELLO_TROUBLE": "0"}
    env["PYTHONPATH"] = str(PROFILE.parents[1])
    mesh = Mesh(folder / "hello", (PROFILE / "devbox.yaml").read_text(), env)
    mesh.ok("up", "-d", "--wait", "--wait-timeout", "60")
    yield mesh
    mesh.end()


def page(hello: Mesh, path: str = "") -> bytes:
    url = hello.rows()["web"]["Url"]
    with urllib.request.urlopen(url + path, timeout=5) as answer:
        return bytes(answer.read())


def fulfilled(hello: Mesh) -> int:
    return int(json.loads(page(hello, "orders"))["fulfilled"])


def test_everything_is_well_and_nothing_is_left_out_where_node_is(hello: Mesh) -> None:
    rows = hello.rows()
    assert set(rows) == (SERVICES if shutil.which("node") else SERVICES - {"prices"})
    assert {name for name, row in rows.items() if row["Health"] not in ("healthy", "none")} == set()
    assert rows["migrate"]["State"] == "completed"
    assert rows["traffic"]["State"] == "running"


def test_orders_flow_from_traffic_to_the_page_and_are_fulfilled(hello: Mesh) -> None:
    assert b"<title>hello, orders</title>" in page(hello)
    before = fulfilled(hello)
    until(lambda: fulfilled(hello) > before, what="another fulfilled order")


def test_a_second_up_changes_nothing(hello: Mesh) -> None:
    before = hello.pids()
    assert hello.ok("up", "--plan").strip() == "nothing to do"
    hello.ok("up", "-d")
    assert hello.pids() == before


def test_logs_are_json_with_levels(hello: Mesh) -> None:
    for line in hello.ok("logs", "-n", "3", "--no-log-prefix", "orders", "worker", "traffic").splitlines():
        assert {"time", "level", "message"} <= json.loads(line).keys()


def test_a_service_that_dies_is_back_and_why_knows(hello: Mesh) -> None:
    pid = hello.pids()["orders"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: hello.rows()["orders"]["Health"] == "healthy" and hello.pids()["orders"] != pid, what="orders")
    assert "killed by SIGKILL" in hello.ok("why", "orders")


def test_a_stopped_database_is_noticed_and_its_data_is_there_again(hello: Mesh) -> None:
    before = fulfilled(hello)
    hello.ok("stop", "db")
    until(lambda: hello.rows()["orders"]["Health"] == "unhealthy", limit=20, what="orders noticing")
    assert "503" in hello.rows()["orders"]["Note"]
    hello.ok("start", "db")
    until(lambda: hello.rows()["orders"]["Health"] == "healthy", limit=20, what="orders recovering")
    assert fulfilled(hello) >= before


def test_down_keeps_the_data_and_up_finds_it_and_down_v_leaves_nothing(hello: Mesh) -> None:
    before = fulfilled(hello)
    hello.ok("down")
    assert not hello.processes()
    assert {name.split("/")[1] for name in hello.files()} == {"data", "secrets.json"}
    hello.ok("up", "-d", "--wait", "--wait-timeout", "60")
    assert fulfilled(hello) >= before
    hello.ok("down", "-v")
    assert not hello.processes()
    assert not list(hello.home.iterdir())
