"""Probes of containers, in the ways that only containers fail, with the words that a person reads."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.docker.conftest import docker
from tests.docker.engine import CLIENT
from tests.engine.mesh import Mesh, until

Make = Callable[..., Mesh]

CHECKED = "t7-checked"
"""An image that brings a check of its own, which always fails, and one that never ends."""

SLOW = f"{CHECKED}:slow"
ENDLESS = json.dumps(["CMD", "sh", "-c", "sleep 3600 & sleep 3600"])
NAPS = 5
"""Lines of `docker top` that say `sleep` while one probe is under way: its own, the init's, and three of the probe."""


@pytest.fixture(scope="module")
def images(engine: None) -> Iterator[None]:
    """Images with a HEALTHCHECK."""
    fails = 'HEALTHCHECK --interval=300ms --retries=1 CMD ["sh", "-c", "echo no quorum; exit 1"]'
    endless = 'HEALTHCHECK --interval=300ms --timeout=300ms --retries=1 CMD ["sleep", "60"]'
    for name, check in ((CHECKED, fails), (SLOW, endless)):
        text = f"FROM devbox-test/base\n{check}\n"
        env = {"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
        subprocess.run([CLIENT, "build", "-q", "-t", name, "-"], input=text, env=env, text=True, check=True)
    yield
    docker("image", "rm", CHECKED, SLOW)


CLOCK = "interval: 300ms, timeout: 1s, retries: 2, start_period: 0s"
LISTENS = json.dumps(["python3", "-m", "http.server", "-b", "127.0.0.1", "8000"])
MANIFEST = f"""
name: t7probes
x-box: &box {{image: devbox-test/base, command: sleep 3600, stop_grace_period: 0s}}
services:
  wrong: {{<<: *box, health: {{exec: [sh, -c, "echo no table; exit 4"], {CLOCK}}}}}
  missing: {{<<: *box, health: {{exec: [no-such-probe], {CLOCK}}}}}
  slow: {{<<: *box, init: true, healthcheck: {{test: {ENDLESS}, {CLOCK}}}}}
  port: {{<<: *box, ports: ["8000"], health: {{tcp: 8000, {CLOCK}}}}}
  page: {{<<: *box, ports: ["8000"], health: {{http: /, {CLOCK}}}}}
  silent: {{<<: *box, health: {{log: ready, {CLOCK}}}}}
  engine: {{<<: *box, image: {CHECKED}}}
  endless: {{<<: *box, image: "{SLOW}"}}
  gone: {{<<: *box, command: sh -c 'sleep 1; exit 3', health: {{exec: ["true"], {CLOCK}}}}}
"""

EXPECTED = {
    "wrong": r"^sh exited with 4: no table$",
    "missing": r"^no-such-probe exited with 127: the container has no no-such-probe$",
    "slow": r"^sh took longer than 1 s$",
    "port": r"^nobody listens behind 127\.0\.0\.1:\d+$",
    "page": r"^GET http://127\.0\.0\.1:\d+/: the connection was (?:reset before|closed without) an answer",
    "silent": r"^no line matches /ready/ yet$",
    "engine": r"^no quorum$",
    "endless": r"^Health check exceeded timeout \(300ms\)",
    "gone": r"^exited with 3",
}


def test_each_way_in_which_a_container_is_unwell_is_told(images: None, mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.devbox("up", "-d")
    notes: dict[str, str] = {}

    def told() -> bool:
        notes.update({name: row["Note"] for name, row in it.rows().items()})
        return all(map(re.search, EXPECTED.values(), (notes[name] for name in EXPECTED)))

    with contextlib.suppress(AssertionError):
        until(told, 40.0)
    assert {name: note for name, note in notes.items() if not re.search(EXPECTED[name], note)} == {}
    (container,) = docker("ps", "-q", "--filter", "label=dev.devbox.service=slow").split()
    # Its own sleep, and those of the one probe that is under way: none of the many before.
    until(lambda: docker("top", container).count("sleep") <= NAPS, 20.0, "the end of probes that took too long")


QUERIED = """
name: t7query
x-asked: &asked {healthcheck: {interval: 300ms, timeout: 1s, retries: 1}, stop_grace_period: 0s}
services:
  there: {<<: *asked, use: "redis:7"}
  here: {<<: *asked, use: redis, runtime: process}
"""
"""The same server in a container and on this machine, asked as the catalogue says."""


def tell(it: Mesh, name: str, *commands: str) -> None:
    """Have a Redis do something."""
    port = it.rows()[name]["Publishers"][0]["PublishedPort"]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as server:
        for command in commands:
            server.sendall(f"{command}\r\n".encode())
            assert server.recv(100) == b"+OK\r\n"


def test_each_way_in_which_a_query_of_the_catalogue_fails(engine: None, mesh: Make) -> None:
    it = mesh(QUERIED)
    it.ok("up", "-d", "--wait", limit=90)
    names = ("there", "here")

    def all_say(health: str, words: str) -> None:
        def said() -> bool:
            rows = it.rows()
            return all(rows[name]["Health"] == health and re.search(words, rows[name]["Note"]) for name in names)

        until(said, 40.0, f"{health}: {words}")

    for name in names:
        tell(it, name, "CONFIG SET requirepass else")
    all_say("unhealthy", r"^sh exited with 1: NOAUTH Authentication required\.$")
    for name in names:
        tell(it, name, "AUTH else", 'CONFIG SET requirepass ""')
    all_say("healthy", "")
    servers = [psutil.Process(pid) for pid in it.pids().values()]
    for server in servers:
        server.suspend()
    all_say("unhealthy", r"^sh took longer than 1 s$")
    for server in servers:
        server.resume()
    all_say("healthy", "")


QUIET = f"""
name: t3quiet
x-box: &box {{image: devbox-test/base, command: sleep 3600, init: true, stop_grace_period: 0s}}
services:
  quiet: {{<<: *box, ports: ["5000"]}}
  at-once: {{<<: *box, depends_on: [quiet]}}
  later: {{<<: *box, depends_on: {{quiet: {{condition: service_healthy}}}}}}
  brings: {{<<: *box, image: {CHECKED}, ports: ["5000"]}}
  asked: {{<<: *box, ports: ["5000"], health: {{tcp: 5000, interval: 300ms, start_period: 0s}}}}
"""


def test_a_port_on_which_nothing_listens_is_told_and_keeps_nobody(images: None, mesh: Make) -> None:
    it = mesh(QUIET)
    it.ok("up", "-d", "at-once")
    assert it.rows()["quiet"]["Health"] == "starting"
    assert it.rows()["at-once"]["State"] == "running"
    it.devbox("up", "-d", "brings", "asked")
    until(lambda: it.rows()["brings"]["Note"] == "no quorum", what="the verdict of the image's own check")
    until(lambda: it.rows()["asked"]["Health"] == "unhealthy", what="the verdict of a probe that was asked for")
    it.ok("up", "-d", "--wait", "quiet", "later", limit=90)
    row = it.rows()["quiet"]
    assert (row["State"], row["Health"]) == ("running", "none")
    assert re.fullmatch(r"nobody listens behind 127\.0\.0\.1:\d+ yet", row["Note"])
    assert "runs, though nobody listens behind" in it.ok("events", "--no-follow", "quiet")
    docker("exec", "-d", "t3quiet-quiet-1", "redis-server", "--port", "5000", "--protected-mode", "no")
    until(lambda: it.rows()["quiet"]["Health"] == "healthy", what="somebody who listens")
