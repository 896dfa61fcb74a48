"""A process that is run with another command for a while, as for a debugger."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

from tests.engine.mesh import PYTHON, Mesh, until

SAYS = "import os, sys, time; print(sys.argv[1], os.environ.get('LEVEL'), os.getcwd(), flush=True); time.sleep(3600)"
MANIFEST = f"""
    name: local
    services:
      db:
        command: [sleep, "3600"]
        ports: ["17480:17480"]
        health: {{exec: ["true"]}}
      api:
        command: {json.dumps([PYTHON, "-c", SAYS, "as stated"])}
        environment: {{LEVEL: "info"}}
"""


def said(made: Mesh) -> str:
    lines = made.ok("logs", "api", "--no-log-prefix").splitlines()
    return lines[-1] if lines else ""


def test_another_command_and_other_variables_until_they_are_taken_back(mesh: Callable[..., Mesh]) -> None:
    made = mesh(MANIFEST)
    made.ok("up", "-d", "--wait")
    here = made.directory
    until(lambda: said(made) == f"as stated info {here}", what="the stated command")
    db = made.pids()["db"]

    made.ok("run-local", "-e", "LEVEL=debug", "api")
    until(lambda: said(made) == f"as stated debug {here}", what="the stated command with another variable")
    made.ok("run-local", "-w", "/", "api", "--", PYTHON, "-c", SAYS, "--db ${db.url}")
    until(lambda: said(made) == "--db http://127.0.0.1:17480 info /", what="the other command")

    made.supervisor().send_signal(signal.SIGKILL)
    made.ok("up", "-d", "--wait")
    assert said(made) == "--db http://127.0.0.1:17480 info /", "a new supervisor knows the choice"

    made.ok("run-local", "api")
    until(lambda: said(made) == f"as stated info {here}", what="the stated command again")
    assert made.pids()["db"] == db


def test_what_cannot_be_is_said(mesh: Callable[..., Mesh]) -> None:
    made = mesh(MANIFEST)
    made.ok("up", "-d", "--wait")
    for words, complaint in (
        (("api", "--", "echo", "${nobody.url}"), "${nobody.url} is nothing that a service of this mesh exports"),
        (("api", "--", "echo", "${db.password}"), "It exports host, port, url, port.17480."),
        (("api",), "api can run in one way only"),
    ):
        done = made.devbox("run-local", *words)
        assert done.returncode == 2
        assert complaint in done.stderr
    assert "api can run in one way only" in made.devbox("run-container", "api").stderr
