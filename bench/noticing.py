"""How soon a view is told of what befalls containers: from the engine's own event to the frame that a view gets."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import docker

from bench.figures import Figure
from devbox.control.client import Client
from devbox.domain.places import Places

PROJECT = f"bench-noticing-{os.getpid()}"
IMAGE = "devbox-test/base"
CHECKED = f"{PROJECT}/checked"
HEALTHCHECK = 'HEALTHCHECK --interval=200ms --retries=1 CMD ["test", "!", "-e", "/sick"]'
ROUNDS, LIMIT, PATIENCE = 5, 0.2, 30.0
GREEDY = ["sh", "-c", "trap 'exec tail /dev/zero' USR1; while :; do sleep 0.05; done"]

Act = Callable[[docker.APIClient, str], object]
Stamped = tuple[float, dict[str, Any]]


def _sicken(client: docker.APIClient, name: str) -> None:
    client.exec_start(client.exec_create(name, ["touch", "/sick"])["Id"])


ACTS: dict[str, tuple[Act, str, dict[str, Any]]] = {
    "death": (lambda client, name: client.kill(name), "die", {"alive": False}),
    "out-of-memory": (lambda client, name: client.kill(name, "USR1"), "die", {"alive": False, "oom": True}),
    "bad-health": (_sicken, "health_status: unhealthy", {"health": "unhealthy"}),
    "removal": (lambda client, name: client.remove_container(name, force=True), "destroy", {}),
    "restart": (lambda client, name: client.restart(name, timeout=0), "start", {"alive": True}),
}
"""What is done, the engine's event that it leads to, and what the view's event says of the container then."""


def _services() -> dict[str, object]:
    """A container for each time that something is done, so that nothing waits for a second chance."""
    box = {"image": IMAGE, "command": ["sleep", "3600"], "init": True, "stop_grace_period": "0s"}
    own = {"out-of-memory": {"command": GREEDY, "mem_limit": "16m", "memswap_limit": "16m"}}
    own["bad-health"] = {"image": CHECKED}
    return {f"{what}-{number}": {**box, **own.get(what, {})} for what in ACTS for number in range(ROUNDS)}


def _follow(items: Iterator[dict[str, Any]]) -> queue.Queue[Stamped]:
    """What comes, each with the time at which it came."""
    came: queue.Queue[Stamped] = queue.Queue()

    def take() -> None:
        for item in items:
            came.put((time.time(), item))

    threading.Thread(target=take, daemon=True).start()
    return came


def _wait_for(came: queue.Queue[Stamped], wanted: Callable[[dict[str, Any]], bool]) -> Stamped:
    deadline = time.monotonic() + PATIENCE
    while True:
        at, item = came.get(timeout=max(0.0, deadline - time.monotonic()))
        if wanted(item):
            return at, item


def _tells(frame: dict[str, Any], service: str, fields: dict[str, Any]) -> bool:
    """Whether a frame tells that a service's container is so; with no fields, that it is gone."""
    for event in frame.get("events", ()):
        body = event["body"]
        seen = body.get("observed") or {}
        if event["service"] == service and (
            (body["is"] == "InstanceSeen" and fields and fields.items() <= seen.items())
            or (body["is"] == "InstanceGone" and not fields)
        ):
            return True
    return False


@contextmanager
def _mesh(client: docker.APIClient) -> Iterator[Client]:
    text = f"FROM {IMAGE}\n{HEALTHCHECK}\n"
    list(client.build(fileobj=io.BytesIO(text.encode()), tag=CHECKED, rm=True))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "compose.yaml").write_text(json.dumps({"name": PROJECT, "services": _services()}))
        env = {**os.environ, "DEVBOX_STATE_HOME": str(Path(folder) / "state")}
        devbox = [sys.executable, "-m", "devbox"]
        try:
            subprocess.run([*devbox, "up", "-d", "--wait"], cwd=folder, env=env, check=True, capture_output=True)
            places = Places(PROJECT, Path(folder) / "state" / PROJECT)
            yield Client(places.socket, places.project)
        finally:
            subprocess.run([*devbox, "down", "-t", "0"], cwd=folder, env=env, check=False, capture_output=True)
            client.remove_image(CHECKED, force=True)


def measure() -> list[Figure]:
    """The median of each kind; the figure is the worst of these medians."""
    client = docker.APIClient(version="auto")
    medians = {}
    with _mesh(client) as view:
        frames = _follow(view.lines("/v1/frames", measure="0"))
        filters = {"type": "container", "label": f"com.docker.compose.project={PROJECT}"}
        events = _follow(client.events(filters=filters, decode=True))
        for what, (act, action, fields) in ACTS.items():
            late = []
            for number in range(ROUNDS):
                service = f"{what}-{number}"
                act(client, f"{PROJECT}-{service}-1")

                def is_it(event: dict[str, Any], service: str = service, action: str = action) -> bool:
                    about = event["Actor"]["Attributes"]
                    return bool(event["Action"] == action and about.get("com.docker.compose.service") == service)

                _, event = _wait_for(events, is_it)
                shown, _ = _wait_for(frames, lambda frame: _tells(frame, service, fields))  # noqa: B023
                late.append(shown - event["timeNano"] / 1e9)
            medians[what] = median(late)
    worst = max(medians, key=lambda what: medians[what])
    beside = ", ".join(f"{what} {seconds * 1000:.0f} ms" for what, seconds in medians.items())
    return [Figure(f"what befalls a container shows: the latest kind, {worst}", medians[worst], "s", LIMIT, beside)]
