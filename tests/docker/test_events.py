"""What happens in the engine by itself or by another tool's hand shows at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from devbox.control.client import Client
from devbox.domain.places import Places
from devbox.runtimes.docker.endpoint import endpoint
from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]

LATEST = 0.2
"""Seconds within which a change shows."""

MANIFEST = """
name: t3seen
services:
  box: {image: devbox-test/base, command: sleep 3600, init: true, restart: always, stop_grace_period: 0s}
  hungry:
    image: devbox-test/base
    command: [sh, -c, "read go < /go/pipe; exec tail /dev/zero"]
    volumes: ["./go:/go"]
    mem_limit: 16m
    memswap_limit: 16m
    stop_grace_period: 0s
"""


@pytest.fixture
def client(engine: None) -> Iterator[docker.APIClient]:
    it = docker.APIClient(endpoint(os.environ).url, version="auto")
    yield it
    it.close()


class Watcher:
    """The stream of a mesh, as a view has it."""

    def __init__(self, mesh: Mesh) -> None:
        places = Places("t3seen", mesh.home / "t3seen")
        self._items = Client(places.socket, places.project).lines("/v1/frames", measure="0")
        next(self._items)

    def event(self, kind: str, service: str, **fields: Any) -> float:
        """When the next event of this kind was noticed: seconds since the epoch."""
        deadline = time.monotonic() + 20
        for item in self._items:
            for event in item.get("events", ()):
                body = event["body"]
                seen = {**body, **(body.get("observed") or {})}
                if (body["is"], event["service"]) == (kind, service) and fields.items() <= seen.items():
                    return float(event["at"])
            assert time.monotonic() < deadline, f"no {kind} of {service}"
        raise AssertionError("the stream ended")


def test_death_removal_restart_and_memory_show_at_once(mesh: Make, client: docker.APIClient) -> None:
    it = mesh(MANIFEST)
    (it.directory / "go").mkdir()
    os.mkfifo(it.directory / "go" / "pipe")
    it.ok("up", "-d")
    watcher = Watcher(it)
    late = {}

    client.kill("t3seen-box-1")
    done = time.time()
    late["die"] = watcher.event("InstanceSeen", "box", alive=False) - done
    watcher.event("StepFinished", "box", op="start")

    client.restart("t3seen-box-1", timeout=0)
    done = time.time()
    late["restart"] = watcher.event("InstanceSeen", "box", alive=True) - done

    client.remove_container("t3seen-box-1", force=True)
    done = time.time()
    late["remove"] = watcher.event("InstanceGone", "box") - done
    watcher.event("StepFinished", "box", op="start")

    (it.directory / "go" / "pipe").write_text("go\n")
    client.wait("t3seen-hungry-1", timeout=20)
    done = time.time()
    late["oom"] = watcher.event("InstanceSeen", "hungry", alive=False, oom=True) - done

    assert {what: seconds for what, seconds in late.items() if seconds > LATEST} == {}
    assert "out of memory" in it.ok("why", "hungry")
