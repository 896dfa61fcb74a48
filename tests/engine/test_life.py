"""The life of a mesh: up, looked at, changed, down; and what is left of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import psutil

from tests.engine.mesh import COUNTER, DEVBOX, HTTP_SERVER, SLEEPER, Mesh, script, until

Make = Callable[..., Mesh]

THREE = f"""
name: three
services:
  api:
    command: {script(HTTP_SERVER)}
    ports: ["8000"]
    environment: {{PORT: "${{api.port}}"}}
    health: {{http: /}}
    depends_on:
      job: {{condition: service_completed_successfully}}
  job:
    command: {script("print('made the tables')")}
  worker:
    command: {script(SLEEPER)}
    environment: {{API: "${{api.url}}"}}
"""


def test_up_waits_until_everything_is_well_and_ps_shows_it(mesh: Make) -> None:
    three = mesh(THREE)
    three.ok("up", "-d", "--wait")
    rows = three.rows()
    assert (rows["api"]["State"], rows["api"]["Health"]) == ("running", "healthy")
    assert (rows["job"]["State"], rows["job"]["ExitCode"]) == ("completed", 0)
    assert rows["worker"]["State"] == "running"
    assert {"Name", "Service", "Runtime", "State", "Health", "ExitCode", "Restarts", "Publishers"} <= rows["api"].keys()
    assert psutil.pid_exists(rows["api"]["Pid"])


def test_a_second_up_changes_nothing(mesh: Make) -> None:
    three = mesh(THREE)
    three.ok("up", "-d", "--wait")
    before = three.pids()
    assert three.ok("up", "--plan").strip() == "nothing to do"
    three.ok("up", "-d")
    assert three.pids() == before


def test_a_plan_says_what_would_happen_in_order_and_does_not_do_it(mesh: Make) -> None:
    three = mesh(THREE)
    plan = three.ok("up", "--plan")
    assert "start   api  (devbox up)  waits: waits for job to complete" in plan
    assert not three.processes()
    assert not three.files()


def test_down_leaves_nothing_but_data_and_down_v_nothing_at_all(mesh: Make) -> None:
    three = mesh(THREE)
    three.ok("up", "-d", "--wait")
    data = three.home / "three" / "data" / "db"
    data.mkdir(parents=True)
    (data / "rows").write_text("kept")
    assert len(three.processes()) == 4
    three.ok("down")
    assert not three.processes()
    assert three.files() == ["three/data/db/rows"]
    three.ok("up", "-d", "--wait")
    three.ok("down", "-v")
    assert not three.processes()
    assert not list(three.home.iterdir())


def test_only_what_changed_is_restarted_and_what_was_dropped_goes(mesh: Make) -> None:
    three = mesh(THREE)
    three.ok("up", "-d", "--wait")
    before = three.pids()
    three.write(THREE.replace("3600", "3601"))
    assert "its command changed" in three.ok("up", "--plan")
    three.ok("up", "-d", "--wait")
    after = three.pids()
    assert after["api"] == before["api"]
    assert after["worker"] != before["worker"]
    three.write(THREE.split("  worker:")[0])
    three.ok("up", "-d", "--wait")
    assert set(three.pids()) == {"api"}
    assert not psutil.pid_exists(after["worker"])


def test_stop_start_restart_and_kill_act_on_what_they_name(mesh: Make) -> None:
    three = mesh(THREE)
    three.ok("up", "-d", "--wait")
    before = three.pids()
    three.ok("stop", "worker")
    assert set(three.pids()) == {"api"}
    three.ok("start", "worker")
    three.ok("restart", "api")
    after = three.pids()
    assert after["worker"] != before["worker"]
    assert after["api"] != before["api"]
    three.ok("kill", "worker")
    assert three.rows()["worker"]["State"] == "idle"
    unknown = three.devbox("restart", "wroker")
    assert unknown.returncode == 2
    assert "Did you mean worker?" in unknown.stderr


def test_two_projects_side_by_side_do_not_meet(mesh: Make) -> None:
    one, two = mesh(THREE, "one"), mesh(THREE.replace("name: three", "name: other"), "two")
    one.ok("up", "-d", "--wait")
    two.ok("up", "-d", "--wait")
    ports = {p.rows()["api"]["Publishers"][0]["PublishedPort"] for p in (one, two)}
    assert len(ports) == 2
    one.ok("down")
    assert two.rows()["api"]["Health"] == "healthy"
    names = [json.loads(line)["Name"] for line in two.ok("ls", "--format", "json").splitlines()]
    assert names == ["other"]


def test_two_ups_at_once_make_one_mesh(mesh: Make) -> None:
    three = mesh(THREE)
    started = [three.spawn("up", "-d", "--wait") for _ in range(4)]
    results = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0, 0], results
    services = [p for p in three.processes() if "DEVBOX_INSTANCE" in p.environ()]
    assert len(services) == 2
    assert len(three.processes()) == 4


def test_a_replica_for_each_of_scale(mesh: Make) -> None:
    pair = mesh(
        f"""
        name: pair
        services:
          api:
            command: {script(HTTP_SERVER)}
            ports: ["8000"]
            scale: 2
            environment: {{PORT: "${{api.port}}"}}
        """
    )
    pair.ok("up", "-d", "--wait")
    rows = pair.rows()
    assert set(rows) == {"api-1", "api-2"}
    assert all(row["Health"] == "healthy" for row in rows.values())


def test_logs_come_whole_and_in_order_and_a_follower_misses_nothing(mesh: Make) -> None:
    counter = mesh(f"name: counter\nservices:\n  count:\n    command: {script(COUNTER)}\n")
    counter.ok("up", "-d")
    follower = counter.spawn("logs", "-f", "--no-log-prefix")
    time.sleep(0.5)
    counter.ok("stop", "count")
    until(lambda: counter.rows()["count"]["State"] == "idle")
    counter.ok("down")
    out, _ = follower.communicate(timeout=20)
    numbers = [int(line.split()[1]) for line in out.splitlines()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 20


def test_tail_gives_the_last_lines_of_each(mesh: Make) -> None:
    talker = mesh(f"name: talker\nservices:\n  talk:\n    command: {script('for i in range(100): print(i)')}\n")
    talker.ok("up", "-d", "--wait")
    assert talker.ok("logs", "-n", "3", "--no-log-prefix").split() == ["97", "98", "99"]
    assert talker.ok("logs", "-n", "1") == "talk │ 99\n"
    line = json.loads(talker.ok("logs", "-n", "1", "--format", "json"))
    assert (line["service"], line["stream"], line["message"]) == ("talk", "stdout", "99")


def test_commands_on_a_mesh_that_is_not_there_say_so(mesh: Make) -> None:
    three = mesh(THREE)
    for command in (["logs"], ["stop"], ["why", "api"], ["events"]):
        done = three.devbox(*command)
        assert done.returncode == 4, (command, done.stderr)
        assert "nothing of three runs" in done.stderr
    assert three.devbox("down").returncode == 0
    assert three.devbox("ps").returncode == 0


def test_output_that_cannot_be_written_is_no_traceback(mesh: Make) -> None:
    three = mesh(THREE)
    three.ok("up", "-d", "--wait")
    with open("/dev/full", "w") as full:
        done = subprocess.run([*DEVBOX, "ps"], cwd=three.directory, env=three.env, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"devbox: No space left on device\n"
    piped = subprocess.run(
        f"{DEVBOX[0]} -m devbox logs | head -1", shell=True, cwd=three.directory, env=three.env, capture_output=True
    )
    assert b"Traceback" not in piped.stderr


def test_a_working_directory_that_is_gone_is_said(mesh: Make) -> None:
    three = mesh(THREE, "here")
    gone = three.directory / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", f'rmdir "$PWD"; exec "{DEVBOX[0]}" -m devbox ps'], cwd=gone, env=three.env, capture_output=True
    )
    assert done.returncode == 2
    assert b"the working directory is gone" in done.stderr


def test_a_mistyped_command_and_two_services_on_one_port_are_named(mesh: Make) -> None:
    it = mesh(
        f"name: clash\nservices:\n"
        f'  a: {{command: {script(SLEEPER)}, ports: ["18765:18765"]}}\n'
        f'  b: {{command: {script(SLEEPER)}, ports: ["18765:18765"]}}\n'
    )
    done = it.devbox("restrat")
    assert (done.returncode, done.stderr) == (2, "devbox: there is no command restrat\n  Did you mean restart?\n")
    done = it.devbox("up", "-d", "--wait")
    assert done.returncode == 2
    assert "a and b both publish port 18765 of this machine" in done.stderr
    assert "devbox.yaml:3:3" in done.stderr
    assert not [p for p in it.processes() if "DEVBOX_INSTANCE" in p.environ()]
