"""Many rounds leave nothing behind."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.engine.mesh import SLEEPER, Mesh, script, until
from tests.engine.test_life import THREE

Make = Callable[..., Mesh]

ROUNDS = 2 * int(os.environ.get("STORM_TRIES", "10"))
"""Rounds of up and down: few in everyday runs, a hundred in `make soak`."""


@pytest.mark.timeout(600)
def test_many_rounds_of_up_and_down_leak_nothing(mesh: Make) -> None:
    # With a probe everywhere, nobody is waited for who might still die.
    three = mesh(THREE.replace("    environment: {API", "    health: {log: up}\n    environment: {API"))
    for _ in range(ROUNDS):
        three.ok("up", "-d", "--wait", "--progress", "quiet")
        three.ok("down", "-v")
        assert not list(three.home.iterdir())
    assert not three.processes()


def test_a_supervisor_that_lives_long_keeps_no_descriptor_and_no_record(mesh: Make) -> None:
    it = mesh(f"name: one\nservices:\n  it:\n    command: {script(SLEEPER)}\n")
    it.ok("up", "-d", "--wait")
    supervisor = it.supervisor()
    keeper = next(iter(it.processes("keeper.py")))
    for _ in range(5):
        it.ok("restart")
    before = supervisor.num_fds(), keeper.num_fds()
    for _ in range(40):
        it.ok("restart")
        it.ok("ps")
    # A connection that is just being closed is still there for a moment.
    until(lambda: supervisor.num_fds() <= before[0] and keeper.num_fds() <= before[1], what="the descriptors to go")
    assert len(list((it.home / "one" / "run" / "records").iterdir())) == 1
    assert len(it.processes()) == 3
