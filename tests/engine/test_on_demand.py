"""A service that starts at the first connection, and is frozen when nobody comes."""

from __future__ import annotations

import signal
import time
import urllib.request
from collections.abc import Callable

import psutil

from tests.engine.mesh import PYTHON, Mesh, until
from tests.engine.test_green import SERVER

MANIFEST = f"""
    name: lazy
    services:
      api:
        command: ["{PYTHON}", "server.py"]
        environment: {{PORT: "${{api.port}}"}}
        ports: ["8000"]
        health: {{http: /, interval: 200ms}}
        on_demand: true
        idle_timeout: 2s
"""


def lazy(make: Callable[..., Mesh]) -> Mesh:
    made = make(MANIFEST)
    (made.directory / "server.py").write_text(SERVER)
    made.ok("up", "-d", "--wait")
    return made


def ask(mesh: Mesh) -> int:
    """The pid of whoever answers."""
    port = mesh.rows()["api"]["Publishers"][0]["PublishedPort"]
    return int(urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20).read())


def frozen(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def test_the_first_connection_starts_it_and_the_next_thaws_it(mesh: Callable[..., Mesh]) -> None:
    made = lazy(mesh)
    assert not made.pids()
    port = made.rows()["api"]["Publishers"][0]["PublishedPort"]
    assert f"wakes at the first connection to 127.0.0.1:{port}" in made.ok("ps")
    pid = ask(made)
    assert made.pids() == {"api": pid}
    until(lambda: frozen(pid), what="sleep")
    until(lambda: "sleeping" in made.ok("ps"), what="a word of it")
    assert ask(made) == pid
    assert not frozen(pid)
    made.ok("up", "-d", "--wait")
    assert made.pids() == {"api": pid}


def test_its_own_probes_keep_nobody_awake_and_it_is_not_probed_asleep(mesh: Callable[..., Mesh]) -> None:
    made = lazy(mesh)
    pid = ask(made)
    until(lambda: frozen(pid), what="sleep")
    time.sleep(1.5)
    assert frozen(pid)
    assert "unhealthy" not in made.ok("ps")


def test_it_wakes_for_a_supervisor_that_did_not_put_it_to_sleep(mesh: Callable[..., Mesh]) -> None:
    made = lazy(mesh)
    pid = ask(made)
    until(lambda: frozen(pid), what="sleep")
    until(lambda: "sleeping" in made.ok("ps"), what="a word of it")
    made.supervisor().send_signal(signal.SIGKILL)
    made.ok("up", "-d", "--wait")
    assert "sleeping" in made.ok("ps")
    assert ask(made) == pid


def test_down_takes_a_sleeping_one_and_its_door(mesh: Callable[..., Mesh]) -> None:
    made = lazy(mesh)
    pid = ask(made)
    until(lambda: frozen(pid), what="sleep")
    made.ok("down", "-v")
    until(lambda: not made.processes(), what="an end of every process")
    assert made.files() == []
