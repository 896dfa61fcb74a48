"""The panel as somebody who looks at it sees it: in tmux, with /proc telling what it costs.

One service prints 20,000 lines a second with its log on the screen: how soon is a key answered, what does drawing take,
does memory stay where it is. Then fifty quiet services: what do view and supervisor take together.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure

DEVBOX = str(Path(sys.executable).with_name("devbox"))
RATE, KEYS, CALM_KEYS, BETWEEN = 20_000, 60, 30, 0.6
TICKS = os.sysconf("SC_CLK_TCK")
CHATTY = textwrap.dedent(
    """
    import sys, time
    rate, number, began = int(sys.argv[1]), 0, time.monotonic()
    while True:
        due = int((time.monotonic() - began) * rate)
        if due > number:
            lines = (f"{n:012} GET /orders/{n % 977} 200 in {n % 31} ms\\n" for n in range(number, due))
            sys.stdout.write("".join(lines))
            sys.stdout.flush()
            number = due
        time.sleep(0.02)
    """
)


class Screen:
    """A terminal of 120x40 in a tmux server of its own, with the panel in it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._env = env
        self._run("new-session", "-d", "-x", "120", "-y", "40", DEVBOX, "attach")

    def _run(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], env=self._env, check=True, capture_output=True, text=True)
        return done.stdout

    @property
    def pid(self) -> int:
        """The process that draws."""
        return int(self._run("list-panes", "-F", "#{pane_pid}"))

    def text(self) -> str:
        """What is on the screen."""
        return self._run("capture-pane", "-p")

    def press(self, key: str) -> None:
        """Press a key."""
        self._run("send-keys", key)

    def until(self, words: str, limit: float = 20.0) -> float:
        """Wait until words are on the screen; the seconds that took."""
        began = time.perf_counter()
        while words not in self.text():
            if time.perf_counter() - began > limit:
                raise TimeoutError(f"{words!r} never came:\n{self.text()}")
            time.sleep(0.002)
        return time.perf_counter() - began

    def close(self) -> None:
        """End the terminal, and the panel with it."""
        self._run("kill-server")


def cpu_seconds(pid: int) -> float:
    """The seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """The memory of a process, in megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@contextmanager
def _mesh(name: str, services: dict[str, object]) -> Iterator[tuple[Screen, int]]:
    """A mesh that runs, with the panel on it: the screen, and the supervisor's pid."""
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        (folder / "devbox.yaml").write_text(json.dumps({"name": name, "services": services}))
        env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "TERM": "xterm-256color"}

        def devbox(*words: str) -> str:
            done = subprocess.run([DEVBOX, *words], cwd=folder, env=env, check=True, capture_output=True, text=True)
            return done.stdout

        os.chdir(folder)
        devbox("up", "-d", "--wait")
        try:
            screen = Screen(folder, env)
            try:
                yield screen, int(json.loads(devbox("ls", "--format", "json").splitlines()[0])["SupervisorPid"])
            finally:
                screen.close()
        finally:
            devbox("down", "-v", "-t", "1")


def _flooded() -> list[Figure]:
    with _mesh("bench-calm", {"quiet": {"command": ["sh", "-c", "echo GET /orders; exec sleep 1000"]}}) as (screen, _):
        screen.until("quiet")
        screen.press("0")
        screen.until("GET /orders")
        calm = _late(_waits(screen, CALM_KEYS))
    command = [sys.executable, "-I", "-S", "-c", CHATTY, str(RATE)]
    with _mesh("bench-panel", {"chatty": {"command": command}, "quiet": {"command": ["sleep", "1000"]}}) as (screen, _):
        screen.until("quiet")
        screen.press("0")
        screen.until("GET /orders")
        pid = screen.pid
        time.sleep(12)  # until as much is kept as ever will be
        memory, before, began = resident(pid), cpu_seconds(pid), time.monotonic()
        late = _late(_waits(screen, KEYS))
        took = time.monotonic() - began
        share = (cpu_seconds(pid) - before) / took
        grown = resident(pid) - memory
    beside = f"{1000 * calm:.0f} ms where nothing is logged"
    return [
        Figure(f"a key at {RATE:,} lines a second, 95th percentile", 1000 * late, "ms", 100.0, beside),
        Figure(f"the panel at {RATE:,} lines a second", 100 * share, "%", 40.0, f"{memory:.0f} MB"),
        Figure(f"its memory grows in {took:.0f} s by", grown, "MB", 10.0),
    ]


def _waits(screen: Screen, keys: int) -> list[float]:
    """Go between two tabs; how long each key took until the other tab was on the screen."""
    waits = []
    for number in range(keys):
        words = "Select a service to see its health" if number % 2 == 0 else "GET /orders"
        screen.press("2" if number % 2 == 0 else "1")
        waits.append(screen.until(words))
        time.sleep(BETWEEN)
    return waits


def _late(waits: list[float]) -> float:
    """The 95th percentile."""
    return sorted(waits)[round(0.95 * (len(waits) - 1))]


def _quiet() -> list[Figure]:
    services: dict[str, object] = {f"s{number:02}": {"command": ["sleep", "1000"]} for number in range(50)}
    with _mesh("bench-fifty", services) as (screen, supervisor):
        screen.until("s30")
        time.sleep(65)  # ages are in seconds for a minute, and every row is drawn anew each second
        pids = (screen.pid, supervisor)
        before, began = [cpu_seconds(pid) for pid in pids], time.monotonic()
        time.sleep(20)
        took = time.monotonic() - began
        view, rest = (100 * (cpu_seconds(pid) - used) / took for pid, used in zip(pids, before, strict=True))
        each = f"view {view:.1f} % {resident(pids[0]):.0f} MB, supervisor {rest:.1f} % {resident(pids[1]):.0f} MB"
    return [Figure("panel and supervisor over 50 quiet services", view + rest, "%", 2.0, each)]


def measure() -> list[Figure]:
    """What the panel costs, and how soon it answers."""
    here = Path.cwd()
    try:
        return [*_flooded(), *_quiet()]
    finally:
        os.chdir(here)
