"""What host processes use is measured with all their children, from what the kernel tells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from devbox.runtimes import procfs

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
