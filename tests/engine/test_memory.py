"""The memory limit of a host process, with a real hog: kept by the kernel where it lets us, else watched and said."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from devbox.control.client import Client
from devbox.domain.codec import decode
from devbox.domain.event import Event, MemoryExceeded
from devbox.domain.places import Places
from devbox.runtimes.process.memory import can_limit
from tests.engine.mesh import DEVBOX, Mesh, script, until

Make = Callable[..., Mesh]

HOG = "import time\nb = bytearray(160 << 20)\nprint('ate', flush=True)\ntime.sleep(3600)"
MANIFEST = f"name: hogs\nservices:\n  hog: {{command: {script(HOG)}, mem_limit: 64m}}\n"
NO_GROUPS = 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"'
"""Runs a command where no control group can be made."""


def groups() -> set[Path]:
    """The control groups of processes that were made and not removed."""
    return {path for path in Path("/sys/fs/cgroup").rglob("devbox-hog-*") if path.is_dir()}


def test_a_hog_is_killed_by_the_kernel_and_why_says_so(mesh: Make) -> None:
    assert can_limit(), "this machine does not let its tests make control groups"
    it = mesh(MANIFEST)
    done = it.devbox("up", "-d", "--wait")
    assert done.returncode == 1
    assert "hog: killed: out of memory" in done.stderr
    said = json.loads(it.ok("why", "hog", "--format", "json"))
    assert (said["culprit"], said["first_cause"]) == ("hog", "killed: out of memory")
    assert "ate" not in it.ok("logs")
    assert len(groups()) == 1
    it.devbox("restart", "hog")
    assert len(groups()) == 1
    it.ok("down")
    assert groups() == set()


def test_where_no_group_can_be_made_it_is_watched_and_said(mesh: Make) -> None:
    it = mesh(MANIFEST)
    argv = ["unshare", "--mount", "sh", "-c", NO_GROUPS, "sh", *DEVBOX, "up", "-d", "--wait"]
    subprocess.run(argv, cwd=it.directory, env=it.env, check=True, capture_output=True, timeout=60)
    places = Places("hogs", it.home / "hogs")

    def told() -> list[str]:
        events = [decode(Event, each) for each in Client(places.socket, "hogs").get("/v1/events", since=0)]
        return [event.describe() for event in events if isinstance(event.body, MemoryExceeded)]

    until(lambda: bool(told()), 20.0, "word of the hog")
    assert [re.sub(r"uses 1\d\d MB", "uses MORE", words) for words in told()] == [
        "uses MORE, over its limit of 64 MB, which can only be watched here"
    ]
    assert it.rows()["hog"]["State"] == "running"
