"""Files saved beside a mesh that runs: what is started anew, when, and what is said of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.engine.mesh import DEVBOX, Mesh, until

Make = Callable[..., Mesh]

SAYS = "import time; print('up', flush=True); time.sleep(3600)\n"


def watched(mesh: Make, rule: str = "{path: ./src}", more: str = "") -> Mesh:
    it = mesh(
        f"""
        name: watched
        services:
          app:
            command: [{json.dumps(sys.executable)}, -S, src/app.py]
            watch: [{rule}]
        {more}
        """
    )
    (it.directory / "src").mkdir(exist_ok=True)
    (it.directory / "src" / "app.py").write_text(SAYS)
    it.ok("up", "-d", "--wait")
    return it


def events(it: Mesh, kind: str) -> list[dict[str, Any]]:
    lines = it.ok("events", "--no-follow", "--format", "json").splitlines()
    return [event for event in map(json.loads, lines) if event.get("body", event).get("is", event.get("type")) == kind]


def said(it: Mesh) -> str:
    return it.ok("events", "--no-follow")


def save(it: Mesh, name: str, text: str) -> None:
    file = it.directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_save_starts_it_anew_and_says_how_long_that_took(mesh: Make) -> None:
    it = watched(mesh)
    before = it.pids()["app"]
    save(it, "src/app.py", SAYS + "# changed\n")
    until(lambda: bool(events(it, "Reloaded")), what="the reload")
    assert re.search(r"reloaded in [\d.]+ m?s: src/app.py", said(it))
    assert it.pids()["app"] != before


def test_a_file_that_is_ignored_temporary_or_the_same_starts_nothing(mesh: Make) -> None:
    it = watched(mesh, '{path: ./src, ignore: ["*.log"]}')
    save(it, "src/app.py", SAYS + "# one\n")
    until(lambda: "reloaded in" in said(it), what="the first reload")
    pid = it.pids()["app"]
    for name in ("src/x.log", "src/.app.py.swp", "src/4913", "src/app.py~"):
        save(it, name, "x")
    save(it, "src/app.py", SAYS + "# one\n")
    save(it, "src/new/deep.py", "x = 1\n")
    until(lambda: "src/new/deep.py" in said(it), what="the reload for a new folder")
    first, *later = [line for line in said(it).splitlines() if "reloaded in" in line]
    # A new folder is looked through while its file is still being written: twice is no fault.
    assert "src/app.py" in first
    assert all("src/new/deep.py" in line for line in later)
    assert it.pids()["app"] != pid


def test_a_save_that_does_not_start_says_so_and_the_next_one_wakes_it(mesh: Make) -> None:
    it = watched(mesh)
    save(it, "src/app.py", "raise SystemExit(3)\n")
    until(lambda: "restart failed after src/app.py changed: exited with 3" in said(it), what="the failure")
    save(it, "src/app.py", SAYS)
    until(lambda: it.rows()["app"]["State"] == "running", what="the recovery")


def test_a_save_does_not_start_what_was_stopped(mesh: Make) -> None:
    beside = f"""
          other:
            command: [{json.dumps(sys.executable)}, -S, src/app.py]
            watch: [./src]
    """
    it = watched(mesh, more=beside)
    it.ok("stop", "app")
    save(it, "src/app.py", SAYS + "# changed\n")
    until(lambda: bool(events(it, "Reloaded")), what="the reload of the other one")
    assert {each["service"] for each in events(it, "ReloadRequested")} == {"other"}
    assert "app" not in it.pids()


FILES = int(os.environ.get("DEVBOX_TEST_FILES", "1000"))

COUNTS = """
import glob, time
print("saw", sum(open(file).read() == "new" for file in glob.glob("src/many/*/*")), flush=True)
time.sleep(3600)
"""


def burst(it: Mesh) -> float:
    """Thousands of files written anew, as fast as that can be; the seconds it took."""
    began = time.monotonic()
    for number in range(FILES):
        (it.directory / f"src/many/{number % 20}/f{number}.py").write_text("new")
    return time.monotonic() - began


def many(mesh: Make) -> Mesh:
    it = mesh(
        f"""
        name: watched
        services:
          app:
            command: [{json.dumps(sys.executable)}, -S, src/app.py]
            watch: [./src]
        """
    )
    save(it, "src/app.py", COUNTS)
    for number in range(FILES):
        save(it, f"src/many/{number % 20}/f{number}.py", "old")
    it.ok("up", "-d", "--wait")
    return it


def acted_on(it: Mesh) -> list[int]:
    """How many files each reload was about."""
    return [each["body"]["count"] for each in events(it, "Reloaded")]


def last_line(it: Mesh) -> str:
    return it.ok("logs", "app", "--no-log-prefix").splitlines()[-1]


def test_a_thousand_files_in_a_moment_are_acted_on_once_and_once_more_and_none_is_lost(mesh: Make) -> None:
    it = many(mesh)
    took = burst(it)
    until(lambda: sum(acted_on(it)) >= FILES, what="a word of every file")
    assert sum(acted_on(it)) == FILES, "each file is acted on once"
    # Where the machine was too busy to write them one right after the other, it was more than one burst.
    assert len(acted_on(it)) <= 2 or took > 1
    assert last_line(it) == f"saw {FILES}"


def test_changes_that_the_kernel_dropped_are_found(mesh: Make) -> None:
    it = many(mesh)
    supervisor = it.supervisor()
    supervisor.send_signal(signal.SIGSTOP)
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(queue + 10):
        os.close(os.open(it.directory / f"src/x{number % 2}.py", os.O_WRONLY | os.O_CREAT))
    burst(it)
    (it.directory / "src/many/0/f0.py").unlink()
    supervisor.send_signal(signal.SIGCONT)
    until(lambda: sum(acted_on(it)) >= FILES, what="a word of every file")
    assert len(acted_on(it)) == 1
    assert last_line(it) == f"saw {FILES - 1}"


def test_a_limit_of_the_kernel_is_said_once_with_what_raises_it_and_files_are_polled(mesh: Make) -> None:
    it = mesh(
        f"""
        name: watched
        services:
          app: &app
            command: [{json.dumps(sys.executable)}, -S, src/app.py]
            watch: [./src]
          other: *app
        """
    )
    for name in ("app.py", "a/a.py", "b/b.py", "c/c.py", "d/d.py"):
        save(it, f"src/{name}", SAYS)
    lowered = 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"'
    up = ["unshare", "--user", "--map-root-user", "sh", "-c", lowered, "sh", *DEVBOX, "up", "-d", "--wait"]
    subprocess.run(up, cwd=it.directory, env=it.env, check=True, capture_output=True, timeout=60)
    until(lambda: bool(events(it, "WatchNoted")), what="a word of the limit")
    save(it, "src/d/d.py", "changed")
    until(lambda: len(events(it, "Reloaded")) == 2, what="both reloads")
    (noted,) = [each["body"] for each in events(it, "WatchNoted")]
    words = "files are polled for changes: the kernel's limit of 3 for user.max_inotify_watches is reached"
    assert noted["text"] == words
    assert noted["hint"] == "`sudo sysctl user.max_inotify_watches=1024` raises it."


def test_a_save_in_the_middle_of_a_reload_is_not_lost(mesh: Make) -> None:
    it = watched(mesh)
    slow = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: time.sleep(0.2) or sys.exit())\n"
    for number in range(8):
        save(it, "src/app.py", f"{slow}print('first of {number}', flush=True); time.sleep(3600)")
        time.sleep(0.06 * number)
        save(it, "src/app.py", f"{slow}print('last of {number}', flush=True); time.sleep(3600)")
        # One that is ended while it prints has not ended its line.
        until(lambda n=number: last_line(it).endswith(f"last of {n}"), what="the last save")  # type: ignore[misc]
