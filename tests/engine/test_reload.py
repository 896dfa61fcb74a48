"""What saves lead to beyond one service: green reloads, dependents, `down`, suspension, links, the headless form."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable

from tests.engine.callers import Callers
from tests.engine.mesh import Mesh, until
from tests.engine.test_green import MANIFEST, SERVER, port_of
from tests.engine.test_watch import SAYS, events, said, save, watched

Make = Callable[..., Mesh]

RUNS = json.dumps([sys.executable, "-S", "src/app.py"])
SLEEPS = json.dumps(["sleep", "3600"])


def green(mesh: Make) -> Mesh:
    quick = "start_period: 1s, interval: 300ms, retries: 1"
    made = mesh(MANIFEST.replace("start_period: 5s", quick) + "        watch: [server.py]\n")
    save(made, "server.py", SERVER)
    made.ok("up", "-d", "--wait")
    return made


def test_a_save_that_does_not_start_leaves_the_old_one_serving(mesh: Make) -> None:
    made = green(mesh)
    before = made.pids()["api"]
    with Callers(port_of(made)) as callers:
        save(made, "server.py", "def broken(:\n")
        until(lambda: bool(events(made, "ReloadFailed")), what="the failure")
        assert "SyntaxError" in said(made).split("restart failed after")[-1]
        assert made.pids()["api"] == before
        save(made, "server.py", SERVER.replace("200", "503"))
        until(lambda: len(events(made, "ReloadFailed")) == 2, what="the failure of its probe")
        assert "the new one is not healthy: " in said(made).split("restart failed after")[-1]
        assert "503" in said(made).split("restart failed after")[-1]
        assert "the old one serves: the new one is not healthy: " in made.ok("ps")
        assert made.pids()["api"] == before
        save(made, "server.py", f"{SERVER}\n# mended\n")
        until(lambda: bool(events(made, "Reloaded")), what="the reload that mends it")
    assert callers.failures == []
    assert made.pids()["api"] != before


def test_saves_in_the_middle_of_down_start_nothing(mesh: Make) -> None:
    made = watched(mesh)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: time.sleep(1.5) or exit())\n"
    save(made, "src/app.py", stubborn + SAYS)
    until(lambda: bool(events(made, "Reloaded")), what="the stubborn one")
    down = made.spawn("down")
    for number in range(20):
        if down.poll() is not None:
            break
        save(made, "src/app.py", f"{SAYS}# {number}\n")
        time.sleep(0.1)
    down.communicate(timeout=20)
    assert down.returncode == 0
    until(lambda: made.processes() == [], what="the end of everything")
    assert made.rows() == {}


def followers(mesh: Make, rule: str, restart: str) -> Mesh:
    more = f"""
          next:
            command: {SLEEPS}
            depends_on: {{app: {{condition: service_started{restart}}}}}
          last:
            command: {SLEEPS}
            depends_on: {{next: {{condition: service_started{restart}}}}}
          beside:
            command: {SLEEPS}
    """
    return watched(mesh, rule, more)


def reloads(made: Mesh, *services: str) -> None:
    """Save a file, twice: these are new after each, and nobody else ever is."""
    for number in range(2):
        before = made.pids()
        save(made, "src/app.py", f"{SAYS}# {number}\n")
        until(lambda n=number: len(events(made, "Reloaded")) == n + 1, what="the reload")  # type: ignore[misc]
        until(lambda b=before: _new(b, made.pids()) == {*services}, what=f"{services} anew")  # type: ignore[misc]
    steps = events(made, "StepStarted")
    assert {each["service"] for each in steps if each["body"]["step"]["op"] == "stop"} == {*services}


def _new(before: dict[str, int], now: dict[str, int]) -> set[str]:
    return {name for name, pid in before.items() if now.get(name, pid) != pid}


def test_those_that_ask_for_it_follow(mesh: Make) -> None:
    reloads(followers(mesh, "{path: ./src}", ", restart: true"), "app", "next", "last")


def test_a_rule_with_cascade_takes_all_along_that_need_it(mesh: Make) -> None:
    reloads(followers(mesh, "{path: ./src, cascade: true}", ""), "app", "next", "last")


def test_without_either_nobody_follows(mesh: Make) -> None:
    reloads(followers(mesh, "{path: ./src}", ""), "app")


def test_what_fails_again_and_again_is_suspended_until_a_save_wakes_it(mesh: Make) -> None:
    made = watched(mesh, "{path: ./src}", "    restart: always")
    save(made, "src/app.py", "raise SystemExit(3)\n")
    until(lambda: "suspended: " in made.ok("why", "app"), 40, "the suspension")
    starts = len(events(made, "StepStarted"))
    assert made.rows()["app"]["State"] != "running"
    time.sleep(1)
    assert len(events(made, "StepStarted")) == starts, "nothing is tried meanwhile"
    save(made, "src/app.py", SAYS)
    until(lambda: made.rows()["app"]["State"] == "running", what="the service woken")


def test_ignore_files_deletes_and_renames(mesh: Make) -> None:
    made = watched(mesh)
    save(made, "src/.gitignore", "*.out\n/cache/\n")
    until(lambda: len(events(made, "Reloaded")) == 1, what="the reload for the ignore file")
    save(made, "src/x.out", "ignored")
    save(made, "src/cache/deep.py", "ignored")
    save(made, "src/lib.py", "x = 1\n")
    until(lambda: len(events(made, "Reloaded")) == 2, what="the reload for a new file")
    (made.directory / "src/lib.py").rename(made.directory / "src/library.py")
    until(lambda: len(events(made, "Reloaded")) == 3, what="the reload for a new name")
    (made.directory / "src/library.py").unlink()
    until(lambda: len(events(made, "Reloaded")) == 4, what="the reload for a deleted file")
    assert "x.out" not in said(made)
    assert "cache" not in said(made)
    (made.directory / "src/.app.new").write_text(SAYS + "# moved into place\n")
    (made.directory / "src/.app.new").rename(made.directory / "src/app.py")
    until(lambda: "src/app.py" in said(made).split("reloaded in")[-1], what="the reload for a file moved into place")


def test_a_folder_that_is_a_link(mesh: Make) -> None:
    made = mesh(f"{{name: watched, services: {{app: {{command: {RUNS}, watch: [./src]}}}}}}")
    save(made, "real/app.py", SAYS)
    (made.directory / "src").symlink_to("real")
    made.ok("up", "-d", "--wait")
    save(made, "real/app.py", SAYS + "# changed\n")
    until(lambda: "src/app.py" in said(made), what="the reload")


def test_a_folder_that_comes_later(mesh: Make) -> None:
    made = watched(mesh, "{path: ./later/still}")
    save(made, "later/still/a.py", "1")
    until(lambda: len(events(made, "Reloaded")) == 1, what="the reload for the first file")
    save(made, "later/still/deep/b.py", "1")
    until(lambda: "later/still/deep/b.py" in said(made), what="the reload for another")


def test_watch_tells_of_reloads_until_it_is_interrupted(mesh: Make) -> None:
    made = watched(mesh)
    telling = made.spawn("watch")
    assert telling.stdout is not None
    assert telling.stderr is not None
    assert telling.stderr.readline() == "watching the files of app; Ctrl-C ends this, and the mesh goes on\n"
    save(made, "src/app.py", SAYS + "# changed\n")
    line, parts = telling.stdout.readline(), telling.stdout.readline()
    assert "app  reloaded in" in line
    assert "src/app.py" in line
    assert "stopped" in parts
    telling.send_signal(signal.SIGINT)
    telling.communicate(timeout=10)
    assert telling.returncode == 130
    assert made.rows()["app"]["State"] == "running"


def test_watch_where_nothing_runs(mesh: Make) -> None:
    made = mesh(f"{{name: watched, services: {{app: {{command: {SLEEPS}, watch: [./src]}}}}}}")
    done = made.devbox("watch")
    assert done.returncode == 4
    assert done.stdout == ""


def test_up_takes_composes_flag(mesh: Make) -> None:
    made = mesh(f"{{name: watched, services: {{app: {{command: {SLEEPS}}}}}}}")
    up = made.spawn("up", "--watch", "--no-tui")
    until(lambda: made.devbox("ps").returncode == 0 and "app" in made.pids(), what="the service")
    up.send_signal(signal.SIGINT)
    up.communicate(timeout=20)
    assert made.rows() == {}
