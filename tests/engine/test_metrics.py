"""What host processes use is measured with all their children, from what the kernel tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from devbox.runtimes import procfs
from tests.engine.mesh import Mesh, script, until

HOLDER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "b = bytearray(80 << 20); print(1, flush=True); input()"], stdin=0)
files = [open("/dev/null") for _ in range(40)]
child.wait()
"""


def test_a_tree_is_counted_whole(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        parent.stdout.readline()
        counted = procfs.trees([parent.pid])[parent.pid]
        known = [psutil.Process(parent.pid), *psutil.Process(parent.pid).children(recursive=True)]
        resident = sum(process.memory_info().rss for process in known)
        parent.stdin.close()
    assert len(known) == 2
    assert counted.memory > 80 << 20
    assert abs(counted.memory - resident) < resident * 0.1
    assert counted.open_files is not None
    assert counted.open_files > 40
    assert counted.cpu > 0


def test_a_process_that_is_gone_is_left_out() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert procfs.trees([ended.pid]) == {}


def test_a_pid_of_this_machine_is_no_container_of_an_engine_elsewhere() -> None:
    assert procfs.container(os.getpid(), "f" * 64) is None


def test_stats_ranks_the_hogs(mesh: Callable[..., Mesh]) -> None:
    hog, spinner = "b = bytearray(120 << 20); import time; time.sleep(3600)", "while True: pass"
    it = mesh(f"""
        name: hogs
        services:
          a-small: {{command: {script("import time; time.sleep(3600)")}}}
          b-spins: {{command: {script(spinner)}}}
          c-holds: {{command: {script(hog)}, deploy: {{replicas: 2}}}}
    """)
    it.ok("up", "-d", "--wait")

    def names(*args: str) -> list[str]:
        lines = map(json.loads, it.ok("stats", "--no-stream", "--format", "json", *args).splitlines())
        return [each["Name"] for each in lines]

    until(lambda: set(names()[:2]) == {"c-holds-1", "c-holds-2"}, what="the hogs at the top")
    until(lambda: names("--sort", "cpu")[0] == "b-spins", what="who spins at the top")
    assert names("--sort", "name") == ["a-small", "b-spins", "c-holds-1", "c-holds-2"]
    assert set(names("c-holds")) == {"c-holds-1", "c-holds-2"}
    assert names("a-small") == ["a-small"]
    shown = it.ok("stats", "--no-stream").splitlines()
    assert shown[0].startswith("NAME ")
    assert shown[1].startswith("c-holds-")
    assert shown[-1].startswith("(sum) ")
