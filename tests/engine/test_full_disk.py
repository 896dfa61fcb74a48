"""A disk that gets full underneath a mesh, and has room again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.mesh import Mesh, script, until

Make = Callable[..., Mesh]

FILLER = """
import time
while True:
    try:
        print("x" * 4000, flush=True)
    except OSError:
        time.sleep(0.1)
"""
QUIET = """
import itertools, time
for number in itertools.count():
    try:
        print("quiet", number, flush=True)
    except OSError:
        pass
    time.sleep(0.1)
"""
MANIFEST = f"name: full\nservices:\n  filler: {{command: {script(FILLER)}}}\n  quiet: {{command: {script(QUIET)}}}\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Where the state of devbox will be: a disk of eight megabytes."""
    folder = tmp_path / "state"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_told_of_stops_nobody_and_all_goes_on_when_there_is_room(small_disk: Path, mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--wait")
    pids = it.pids()
    until(lambda: "no room for logs" in it.ok("events", "--no-follow"), 30.0, "word of the full disk")
    assert it.pids() == pids, "nobody ended"
    assert "x" * 50 in it.ok("logs", "--tail", "1", "filler")
    it.ok("stop", "-t", "0", "filler")
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    until(lambda: "there is room for logs again" in it.ok("events", "--no-follow"), 30.0, "word of the room")
    last = it.ok("logs", "--tail", "1", "quiet")
    until(lambda: it.ok("logs", "--tail", "1", "quiet") != last, 20.0, "another line")
    it.ok("restart", "quiet")
    assert it.pids()["quiet"] != pids["quiet"]
