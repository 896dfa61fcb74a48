"""Files saved beside a mesh that runs: what is started anew, when, and what is said of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from tests.engine.mesh import Mesh, until

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
    until(lambda: "ms: src/app.py" in said(it), what="the reload")
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
    it = watched(mesh)
    it.ok("stop", "app")
    save(it, "src/app.py", SAYS + "# changed\n")
    it.ok("restart", "app")
    assert "src/app.py changed" not in said(it)


def test_thousands_of_files_at_once_are_acted_on_once_and_once_more(mesh: Make) -> None:
    it = watched(mesh)
    for number in range(2000):
        save(it, f"src/many/{number % 20}/f{number}.py", str(number))
    until(lambda: "more changed" in said(it), what="the rest of the burst")
    until(lambda: "more" in said(it).split("reloaded in")[-1], what="the last reload")
    assert said(it).count("reloaded in") <= 3
