"""Logs: into the store from processes and containers, opened at their end, searched."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.figures import Figure
from devbox.domain.log import Level, LogQuery
from devbox.domain.spec import UnitKey
from devbox.engine.logs import LogStore
from devbox.engine.logs.cells import CELL
from devbox.engine.logs.stream import size
from devbox.runtimes.base import LogFiles

DEVBOX = str(Path(sys.executable).with_name("devbox"))
IMAGE = "devbox-test/base"
LINES = 1_000_000
CROWD, EACH = 20, 50_000
GIGABYTE = 1 << 30
RATE, SECONDS = 20_000, 8
KEY = UnitKey("big")

_LINE = "sprintf('%010d %s', $_, 'x' x 88)"
_PRINTER = """
import sys, time
time.sleep(2)  # the start of the mesh is no part of it
began = time.perf_counter()
for n in range({lines}):
    sys.stdout.write('%010d %s\\n' % (n, 'x' * 88))
sys.stdout.flush()
open({took!r}, 'w').write(str(time.perf_counter() - began))
"""
_STEADY = """
import sys, time
began = time.perf_counter()
for step in range({seconds} * 100):
    sys.stdout.write(''.join('%010d INFO %s\\n' % (step * {each} + n, 'x' * 83) for n in range({each})))
    sys.stdout.flush()
    time.sleep(max(0, began + step / 100 - time.perf_counter()))
time.sleep(3600)
"""


@contextlib.contextmanager
def _mesh(services: dict[str, object], name: str) -> Iterator[tuple[Path, psutil.Process]]:
    """A mesh that is up: the folder of its logs, and its supervisor."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "devbox.yaml").write_text(json.dumps({"name": name, "services": services}))
        env = {**os.environ, "DEVBOX_STATE_HOME": f"{folder}/state"}

        def devbox(*args: str) -> str:
            return subprocess.run(
                [DEVBOX, *args], cwd=folder, env=env, check=False, capture_output=True, text=True
            ).stdout

        devbox("up", "-d")
        try:
            listed = json.loads(devbox("ls", "--format", "json").splitlines()[0])
            yield Path(folder) / "state" / name / "run" / "logs", psutil.Process(listed["SupervisorPid"])
        finally:
            devbox("down", "-v")


def _printing(lines: int) -> list[str]:
    return ["perl", "-e", f"print {_LINE}, qq(\\n) for 0 .. {lines - 1}"]


def _wait_for(path: Path, size: int, limit: float = 120.0) -> None:
    deadline = time.perf_counter() + limit
    while not path.exists() or path.stat().st_size < size:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{path} has {path.stat().st_size if path.exists() else 0} of {size} bytes")
        time.sleep(0.01)


def _in_order(path: Path, lines: int) -> bool:
    with path.open("rb") as file:
        return all(int(line[:10]) == number for number, line in enumerate(file)) and path.stat().st_size == lines * 100


def _made(name: str) -> str:
    """A container that will print a million lines; its id."""
    subprocess.run(["docker", "rm", "-f", name], capture_output=True)
    argv = ["docker", "create", "--name", name, IMAGE, *_printing(LINES)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _copied(folder: Path) -> float:
    """What it takes to have them in the files of the store, complete and in order."""
    import docker

    from devbox.runtimes.docker.logs import LogCopier

    container, files = _made("bench-logs-ours"), LogFiles(folder / "stdout", folder / "stderr")
    subprocess.run(["docker", "start", container], check=True, capture_output=True)
    began = time.perf_counter()
    copier = LogCopier(docker.APIClient(os.environ.get("DOCKER_HOST")), container, files)
    _wait_for(files.stdout, LINES * 100)
    took = time.perf_counter() - began
    copier.close()
    whole = _in_order(files.stdout, LINES)
    files.stdout.unlink()
    return took if whole else float("inf")


def _by_client(folder: Path) -> float:
    """What the engine's own client takes to have them in a file."""
    container = _made("bench-logs-theirs")
    subprocess.run(["docker", "start", container], check=True, capture_output=True)
    began = time.perf_counter()
    with (folder / "log").open("wb") as out:
        subprocess.run(["docker", "logs", "-f", container], stdout=out, check=True)
    return time.perf_counter() - began


def _from_a_container() -> Figure:
    """A million lines: into the store, and by the engine's own client into a file, by turns."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            pairs = [(_copied(Path(folder)), _by_client(Path(folder))) for _ in range(5)]
        finally:
            subprocess.run(["docker", "rm", "-f", "bench-logs-ours", "bench-logs-theirs"], capture_output=True)
    ours, theirs = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    beside = f"{ours:.1f} s, `docker logs -f` {theirs:.1f} s"
    return Figure("1,000,000 lines of a container, to `docker logs -f`", ours / theirs, "x", 1.0, beside)


@contextlib.contextmanager
def _crowd(who: str, folder: Path) -> Iterator[list[str]]:
    """Containers that each print their share as soon as there is a file `now` in a folder; their names."""
    names = [f"bench-logs-{who}-{number}" for number in range(CROWD)]
    subprocess.run(["docker", "rm", "-f", *names], capture_output=True)
    code = f"until (-e '/bench/now') {{ select undef, undef, undef, 0.01 }} {_printing(EACH)[-1]}"
    try:
        for name in names:
            argv = ["docker", "run", "-d", "--name", name, "-v", f"{folder}:/bench", IMAGE, "perl", "-e", code]
            subprocess.run(argv, check=True, capture_output=True)
        yield names
    finally:
        subprocess.run(["docker", "rm", "-f", *names], capture_output=True)
        (folder / "now").unlink(missing_ok=True)


async def _merged(folder: Path, names: list[str]) -> float:
    """What it takes until somebody who follows all of a crowd at once has every line, each one's in order."""
    import docker

    from devbox.runtimes.docker.logs import LogCopier

    logs = LogStore(folder, lambda key: LogFiles(folder / f"{key}.stdout", folder / f"{key}.stderr"))
    keys = {name: UnitKey(name) for name in names}
    logs.know(keys.values())
    logs.start()
    client = docker.APIClient(os.environ.get("DOCKER_HOST"))
    copiers = [
        LogCopier(client, name, LogFiles(folder / f"{key}.stdout", folder / f"{key}.stderr"))
        for name, key in keys.items()
    ]
    seen = dict.fromkeys(names, 0)
    began = time.perf_counter()
    await asyncio.to_thread((folder / "now").touch)
    async with asyncio.timeout(120), contextlib.aclosing(logs.read((), tail=None, follow=True)) as chunks:
        async for chunk in chunks:
            first = seen[chunk.service]
            seen[chunk.service] = first + len(chunk.lines)
            assert [int(line[:10]) for line in chunk.lines] == list(range(first, first + len(chunk.lines)))
            if sum(seen.values()) == CROWD * EACH:
                break
    took = time.perf_counter() - began
    for copier in copiers:
        copier.close()
    await logs.close()
    return took


def _crowd_by_client(folder: Path, names: list[str]) -> float:
    """What as many of the engine's own client take, each into a file."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context((folder / name).open("wb")) for name in names]
        following = [
            subprocess.Popen(["docker", "logs", "-f", name], stdout=file)
            for name, file in zip(names, files, strict=True)
        ]
        began = time.perf_counter()
        (folder / "now").touch()
        for each in following:
            each.wait(120)
    return time.perf_counter() - began


def _from_a_crowd() -> Figure:
    """Many containers that print at once: merged live, and by as many of the engine's own client, by turns."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = []
        for turn in range(3):
            here = Path(folder) / str(turn)
            here.mkdir()
            with _crowd("ours", here) as names:
                ours = asyncio.run(_merged(here, names))
            with _crowd("theirs", here) as names:
                pairs.append((ours, _crowd_by_client(here, names)))
    ours, theirs = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    what = f"{CROWD} containers x {EACH:,} lines followed, to `docker logs -f`"
    return Figure(what, ours / theirs, "x", 1.1, f"{ours:.1f} s, `docker logs -f` of each {theirs:.1f} s")


def _from_a_process() -> Figure:
    """What a process takes to write a million lines: into a file by itself, and under devbox.

    Devbox has Python write each line at once (`PYTHONUNBUFFERED`), so that people see it. That is a choice about when
    lines come, not a cost of keeping them: what writes into a file by itself is told the same, in both runs the program
    makes the same system calls.
    """
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryDirectory() as folder:
        took = Path(folder) / "took"

        def alone() -> float:
            with open(f"{folder}/log", "ab") as out:
                code = _PRINTER.format(lines=LINES, took=str(took))
                subprocess.run([sys.executable, "-c", code], stdout=out, env=env, check=True)
            return float(took.read_text())

        def under_devbox(turn: int) -> float:
            took.unlink(missing_ok=True)
            code = _PRINTER.format(lines=LINES, took=str(took))
            service = {"command": [sys.executable, "-c", code], "restart": "no"}
            with _mesh({"one": service}, f"bench-logs-process{turn}"):
                _wait_for(took, 3)
                time.sleep(0.05)
            return float(took.read_text())

        pairs = [(alone(), under_devbox(turn)) for turn in range(4)]
    bare, ours = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    return Figure("1,000,000 lines of a process, to writing a file", ours / bare, "x", 1.1, f"bare {bare:.2f} s")


def _steady() -> Figure:
    """What the supervisor needs while a service prints 20,000 lines a second; nothing may be missing."""
    code = _STEADY.format(seconds=SECONDS, each=RATE // 100)
    with _mesh({"one": {"command": [sys.executable, "-c", code]}}, "bench-logs-steady") as (logs, supervisor):
        before, began = sum(supervisor.cpu_times()[:2]), time.perf_counter()
        _wait_for(logs / f"{UnitKey('one')}.stdout", RATE * SECONDS * 100)
        share = (sum(supervisor.cpu_times()[:2]) - before) / (time.perf_counter() - began)
        whole = _in_order(logs / f"{UnitKey('one')}.stdout", RATE * SECONDS)
    what = f"the supervisor beside {RATE:,} lines a second, in cores"
    return Figure(what, share if whole else float("inf"), "x", 0.15)


def _store(folder: Path) -> LogStore:
    logs = LogStore(folder, lambda key: LogFiles(folder / f"{key}.stdout", folder / f"{key}.stderr"), limit=4 << 30)
    logs.know([KEY])
    return logs


def _write_gigabyte(path: Path) -> None:
    lines = []
    for number in range(100_000):
        level = "ERROR" if number % 10_000 == 77 else "INFO"
        head = f"2024-05-01 10:00:00,{number % 1000:03} {level} app.orders"
        lines.append(f"{head}: request {number} took {number % 97} ms id={number:08x}")
    block = ("\n".join(lines) + "\n").encode()
    with path.open("wb") as file:
        while file.tell() < GIGABYTE - len(block):
            file.write(block)
        file.write(b"2024-05-01 10:00:01,000 WARN app.orders: the needle user=17 status=503\n")


async def _look_through(logs: LogStore, path: Path) -> None:
    """Have the store find out where something grave is, as it does in a supervisor when there is time."""
    logs.start()
    try:
        await asyncio.to_thread(_wait_for, path.with_name(f"{path.name}.cells"), size(path) // CELL)
    finally:
        await logs.close()


async def _search(logs: LogStore, query: LogQuery) -> tuple[float, int]:
    began = time.perf_counter()
    found = sum([len(chunk.lines) async for chunk in logs.search(query)])
    return time.perf_counter() - began, found


async def _of_a_gigabyte(folder: Path) -> list[Figure]:
    path = folder / f"{KEY}.stdout"
    _write_gigabyte(path)
    _store(folder).mark(KEY)
    began = time.perf_counter()
    logs = _store(folder)
    last = [chunk async for chunk in logs.read((), tail=1000, follow=False)]
    opened = time.perf_counter() - began
    assert sum(len(chunk.lines) for chunk in last) == 1000
    began = time.perf_counter()
    middle = logs.lines(KEY, "stdout", last[-1].first_line // 2, 100)
    seek = time.perf_counter() - began
    assert len(middle.lines) == 100
    figures = [
        Figure("a log of 1 GiB opened at its end", opened, "s", 0.1),
        Figure("100 lines from its middle", seek, "s", 0.1),
        await _searched(logs, "for errors, not looked through before", LogQuery(level=Level.ERROR), 6.0),
    ]
    await _look_through(logs, path)
    queries = {
        "for a text": LogQuery(text="needle"),
        "for an expression": LogQuery(text=r"user=\d+ status=5\d\d", regex=True),
        "for a text, whatever its case": LogQuery(text="NEEDLE", ignore_case=True),
        "for errors": LogQuery(level=Level.ERROR),
    }
    return figures + [await _searched(logs, words, query, 1.5) for words, query in queries.items()]


async def _searched(logs: LogStore, words: str, query: LogQuery, limit: float) -> Figure:
    took, found = min([await _search(logs, query) for _ in range(3)])
    assert found > 0
    return Figure(f"1 GiB of log searched {words}", took, "s", limit)


def measure() -> list[Figure]:
    """Everything about logs. What needs an engine is left out where there is none."""
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_of_a_gigabyte(Path(folder)))
    figures += [_from_a_process(), _steady()]
    if (
        shutil.which("docker")
        and subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True).returncode == 0
    ):
        figures += [_from_a_container(), _from_a_crowd()]
    return figures
