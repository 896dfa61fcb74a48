"""Supervisors and keepers killed at random moments, Ctrl-C at random moments: the next `up` converges all the same."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from tests.engine.mesh import Mesh
from tests.engine.test_life import THREE

Make = Callable[..., Mesh]

ROUNDS = 12


def instances(mesh: Mesh) -> list[str]:
    """Which replicas really run, one entry for each process that was started for one."""
    found = []
    for process in mesh.processes():
        try:
            instance = process.environ().get("DEVBOX_INSTANCE")
        except psutil.Error:
            continue
        if instance:
            found.append(instance.split(".")[0])
    return sorted(found)


def kill_some(mesh: Mesh, chance: random.Random) -> None:
    """Kill the supervisor, and now and then the keeper too."""
    for process in mesh.processes():
        try:
            command = " ".join(process.cmdline())
            if "devbox.cli.supervisor" in command or ("keeper.py" in command and chance.random() < 0.3):
                process.kill()
        except psutil.Error:
            continue


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_when_the_next_up_converges(mesh: Make, seed: int) -> None:
    chance = random.Random(seed)
    three = mesh(THREE)
    for number in range(ROUNDS):
        act = chance.choice([["up", "-d"], ["up", "-d"], ["restart"], ["down"], ["stop"]])
        running = three.spawn(*act)
        time.sleep(chance.uniform(0, 0.5))
        kill_some(three, chance)
        _, err = running.communicate(timeout=60)
        assert "Traceback" not in err, (number, act, err)
        done = three.devbox("up", "-d", "--wait", "--wait-timeout", "30")
        assert done.returncode == 0, (number, act, done.stderr)
        assert instances(three) == ["api-1", "worker-1"], (number, act)


@pytest.mark.timeout(300)
def test_ctrl_c_at_any_moment_of_up_leaves_nothing(mesh: Make) -> None:
    chance = random.Random(22)
    three = mesh(THREE)
    for number in range(ROUNDS):
        up = three.spawn("up")
        time.sleep(0.15 + chance.uniform(0, 1.2))
        up.send_signal(signal.SIGINT)
        _, err = up.communicate(timeout=60)
        assert up.returncode in (130, -signal.SIGINT), (number, err)
        assert "Traceback" not in err, (number, err)
        assert not three.processes(), (number, err)
        assert not three.files(), number
