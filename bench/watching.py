"""What watching costs while nothing changes, and ten thousand files at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from bench.contenders import BIN, LIMIT, mesh_up
from bench.figures import Figure

SERVICES, FOLDERS, FILES, SECONDS, SETTLED = 20, 400, 20_000, 20.0, 5.0
IDLE_LIMIT = 0.3
"""Percent of a core that watching may cost while nothing changes: less than can be told from none."""

BURST = 10_000
_MEMORY = "/dev/shm"


def measure() -> list[Figure]:
    """Both."""
    return [_idle(), *_burst()]


def _idle() -> Figure:
    """Two meshes beside each other that differ in nothing but that one of them watches."""
    with tempfile.TemporaryDirectory() as given, ExitStack() as up:
        tree = Path(given) / "tree"
        _fill(tree, FILES)
        watches, watches_not = Path(given) / "watches", Path(given) / "not"
        with_rules = supervisor_of(watches, up.enter_context(_mesh(watches, [str(tree)])))
        without = supervisor_of(watches_not, up.enter_context(_mesh(watches_not, [])))
        time.sleep(SETTLED)
        before = cpu_of(with_rules), cpu_of(without)
        time.sleep(SECONDS)
        spent, floor = cpu_of(with_rules) - before[0], cpu_of(without) - before[1]
    beside = f"{100 * spent / SECONDS:.2f} % with, {100 * floor / SECONDS:.2f} % without"
    more = 100 * (spent - floor) / SECONDS
    what = f"{SERVICES} services that watch {FILES:,} files, while nothing changes"
    return Figure(what, more, "%", IDLE_LIMIT, beside)


def _fill(tree: Path, files: int, text: str = "old") -> None:
    for number in range(files):
        file = tree / f"s{number % SERVICES}" / f"d{number % FOLDERS}" / f"f{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _mesh(folder: Path, trees: list[str]) -> AbstractContextManager[dict[str, str]]:
    services = {
        f"s{number}": {"command": ["sleep", "3600"], "watch": [f"{tree}/s{number}" for tree in trees]}
        for number in range(SERVICES)
    }
    folder.mkdir()
    (folder / "devbox.yaml").write_text(json.dumps({"name": f"bench-{folder.name}", "services": services}))
    return mesh_up(folder)


def _said(folder: Path, env: dict[str, str], *words: str) -> list[str]:
    argv = [str(BIN / "devbox"), *words]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def supervisor_of(folder: Path, env: dict[str, str]) -> int:
    (line,) = _said(folder, env, "ls", "--format", "json")
    return int(json.loads(line)["SupervisorPid"])


def cpu_of(pid: int) -> float:
    """Seconds of a core that all threads of a process have used."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


_COUNTS = """
import glob, time
print("saw", sum(open(file).read() == "new" for file in glob.glob("tree/*/*/*")), flush=True)
time.sleep(3600)
"""


def _burst() -> list[Figure]:
    """All files of a tree are written anew, as fast as that can be, beside a mesh that watches them.

    The tree is in memory where that can be: a disk would be what takes the time.
    """
    with tempfile.TemporaryDirectory(dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as given:
        folder, tree = Path(given), Path(given) / "tree"
        _fill(tree, BURST)
        (folder / "app.py").write_text(_COUNTS)
        service = {"command": [sys.executable, "-S", "app.py"], "watch": ["./tree"]}
        (folder / "devbox.yaml").write_text(json.dumps({"name": "bench-burst", "services": {"app": service}}))
        with mesh_up(folder) as env:
            began = time.perf_counter()
            _fill(tree, BURST, "new")
            took, acted = time.perf_counter() - began, _acted(folder, env)
            seen = int(_said(folder, env, "logs", "app", "--no-log-prefix")[-1].split()[1])
    lost = BURST - min(seen, sum(acted))
    beside = f"written in {took:.2f} s"
    return [
        Figure(f"{BURST:,} files written at once: those that were lost", lost, "", 0),
        Figure(f"{BURST:,} files written at once: how often that was acted on", len(acted), "x", 2, beside),
    ]


def _acted(folder: Path, env: dict[str, str]) -> list[int]:
    """How many files each reload was about, once all are told of, or nothing more comes."""
    deadline = time.monotonic() + LIMIT
    while True:
        events = map(json.loads, _said(folder, env, "events", "--no-follow", "--format", "json"))
        acted = [int(each["body"]["count"]) for each in events if each["body"]["is"] == "Reloaded"]
        if sum(acted) >= BURST or time.monotonic() > deadline:
            return acted
        time.sleep(0.2)
