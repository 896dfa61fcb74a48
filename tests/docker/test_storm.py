"""Supervisors killed and Ctrl-C pressed at random moments of `up`: nothing doubled, nothing left behind.

`STORM_TRIES` says how often; `make soak` has fifty.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.docker.conftest import docker
from tests.docker.remains import everything, left
from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]

TRIES = int(os.environ.get("STORM_TRIES", "2"))
LIMIT = 60 + 20 * TRIES

MANIFEST = """
name: storm
services:
  db: {image: devbox-test/base, command: sleep 3600, init: true, stop_grace_period: 1s, volumes: [data:/data, /scratch]}
  api:
    image: devbox-test/base
    command: sleep 3600
    scale: 2
    depends_on: [db]
    stop_grace_period: 0s
    networks: [front, back]
  web: {image: devbox-test/base, command: sleep 3600, init: true, depends_on: [api], networks: [front]}
  job: {image: devbox-test/base, command: "true", depends_on: [db]}
volumes: {data: {}}
networks: {front: {}, back: {}}
"""
WANTED = Counter({"db": 1, "api": 2, "web": 1, "job": 1})


def containers(project: str) -> Counter[str]:
    """How many containers of each service there are, dead ones counted."""
    label = '{{.Label "com.docker.compose.service"}}'
    return Counter(docker("ps", "-a", "-f", f"label=com.docker.compose.project={project}", "--format", label).split())


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("seed", [5])
def test_a_supervisor_killed_at_any_moment_of_up_is_followed_by_one_that_converges(mesh: Make, seed: int) -> None:
    chance = random.Random(seed)
    it = mesh(MANIFEST)
    before = everything()
    for number in range(TRIES):
        up = it.spawn("up", "-d")
        time.sleep(chance.uniform(0.2, 2.2))
        for process in it.processes("devbox.cli.supervisor"):
            process.kill()
        _, err = up.communicate(timeout=60)
        assert "Traceback" not in err, (number, err)
        done = it.devbox("up", "-d", "--wait", "--wait-timeout", "30")
        assert done.returncode == 0, (number, done.stderr)
        assert containers("storm") == WANTED, number
        it.ok("down", "-v", "-t", "0")
        assert left(before, ["storm"]) == [], number


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize(("seed", "flags"), [(6, ("-d",)), (7, ())])
def test_ctrl_c_at_any_moment_of_up_leaves_nothing_in_the_engine(mesh: Make, seed: int, flags: tuple[str, ...]) -> None:
    chance = random.Random(seed)
    it = mesh(MANIFEST)
    before = everything()
    for number in range(max(1, TRIES // 2)):
        up = it.spawn("up", *flags)
        # Not while Python itself is still starting: there it prints what it pleases.
        time.sleep(chance.uniform(0.35, 2.2))
        up.send_signal(signal.SIGINT)
        _, err = up.communicate(timeout=60)
        assert "Traceback" not in err, (number, err)
        if up.returncode != 0:
            # Data is nobody's to delete but at somebody's word; all else goes with the interrupt.
            assert set(left(before, ["storm"])) <= {"volume storm_data"}, (number, err)
            assert not it.processes(), (number, err)
        it.ok("down", "-v", "-t", "0")
        assert left(before, ["storm"]) == [], (number, err)


def test_a_failure_in_the_middle_of_up_leaves_nothing_after_down(mesh: Make) -> None:
    it = mesh(MANIFEST.replace('command: "true"', "command: no-such-program"))
    before = everything()
    assert it.devbox("up", "-d", "--wait").returncode == 1
    assert containers("storm")["db"] == 1
    it.ok("down", "-v", "-t", "0")
    assert left(before, ["storm"]) == []
