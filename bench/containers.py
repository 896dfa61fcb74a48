"""Fifty containers up, looked at again, and down, beside the engine's own API used as well as it can be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import docker
import docker.errors

from bench.figures import Figure, median_of

DEVBOX = [sys.executable, "-m", "devbox"]
PROJECT = f"bench-fifty-{os.getpid()}"
IMAGE = "devbox-test/base"
COUNT, AT_ONCE, ROUNDS = 50, 8, 3
COMMAND = ["sleep", "3600"]


def _services() -> dict[str, object]:
    return {f"s{number}": {"image": IMAGE, "command": COMMAND, "init": True} for number in range(COUNT)}


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


def _raw_up(client: docker.APIClient) -> list[str]:
    """The floor of `up`: a network, then create and start, eight at a time."""
    network = client.create_network(PROJECT + "-raw")["Id"]

    def one(number: int) -> str:
        config = client.create_host_config(init=True, network_mode=network)
        made = client.create_container(IMAGE, COMMAND, name=f"{PROJECT}-raw-{number}", host_config=config)
        client.start(made["Id"])
        return str(made["Id"])

    with _pool() as pool:
        return list(pool.map(one, range(COUNT)))


def _raw_down(client: docker.APIClient, containers: list[str]) -> None:
    """The floor of `down`: stop, remove, eight at a time, then the network."""

    def one(container: str) -> None:
        client.stop(container, timeout=10)
        client.remove_container(container, v=True)

    with _pool() as pool:
        list(pool.map(one, containers))
    # Under load, engines of old miscount the endpoints of a network now and then, and keep it until they are restarted.
    with suppress(docker.errors.APIError):
        client.remove_network(PROJECT + "-raw")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure() -> list[Figure]:
    """`up -d`, a second `up -d` and `down` of fifty containers; round about with the floor, so that both meet the same
    machine."""
    client = docker.APIClient(version="auto", timeout=120, max_pool_size=AT_ONCE)
    raw_ups, raw_downs, ups, downs, again = [], [], [], [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "compose.yaml").write_text(json.dumps({"name": PROJECT, "services": _services()}))
        env = {**os.environ, "DEVBOX_STATE_HOME": str(Path(folder) / "state")}

        def devbox(*args: str) -> None:
            done = subprocess.run([*DEVBOX, *args], cwd=folder, env=env, capture_output=True, text=True)
            if done.returncode and "is still there" not in done.stderr:
                raise RuntimeError(f"devbox {args}: {done.stderr}")

        for number in range(ROUNDS):
            made: list[str] = []
            raw_ups.append(_timed(lambda made=made: made.extend(_raw_up(client))))  # type: ignore[misc]
            raw_downs.append(_timed(lambda made=made: _raw_down(client, made)))  # type: ignore[misc]
            ups.append(_timed(lambda: devbox("up", "-d", "--progress", "quiet")))
            if number == 0:
                again = median_of(lambda: devbox("up", "-d", "--progress", "quiet"), 5)
            downs.append(_timed(lambda: devbox("down")))
    up, down = median(ups) / median(raw_ups), median(downs) / median(raw_downs)
    return [
        Figure(f"`up -d` of {COUNT} containers, as a share of the raw API", up, "x", 1.15, f"{median(raw_ups):.1f} s"),
        Figure(f"a second `up -d` of {COUNT} containers, nothing to do", again, "s", 0.4),
        Figure(
            f"`down` of {COUNT} containers, as a share of the raw API", down, "x", 1.2, f"{median(raw_downs):.1f} s"
        ),
    ]
