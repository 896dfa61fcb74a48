"""What goes wrong, and what devbox makes of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest

from tests.engine.mesh import COUNTER, HTTP_SERVER, PYTHON, SLEEPER, Mesh, script, until

Make = Callable[..., Mesh]


def one(command: str, extra: str = "") -> str:
    return f"name: one\nservices:\n  it:\n    command: {command}\n{extra}"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_supervisor_that_is_ended_stops_nobody_and_loses_no_line(mesh: Make, how: signal.Signals) -> None:
    counter = mesh(one(script(COUNTER)))
    counter.ok("up", "-d", "--wait")
    before = counter.pids()
    supervisor = counter.supervisor()
    supervisor.send_signal(how)
    supervisor.wait(20)
    assert "supervisor is gone" in counter.ok("ls")
    counter.ok("up", "-d", "--wait")
    assert counter.pids() == before
    assert counter.rows()["it"]["Restarts"] == 0
    counter.ok("stop")
    numbers = [int(line.split()[1]) for line in counter.ok("logs", "--no-log-prefix").splitlines()]
    assert numbers == list(range(len(numbers)))


def test_what_ended_while_no_supervisor_was_there_is_known(mesh: Make) -> None:
    waiting = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\nprint('done')"
    job = mesh(one(script(waiting)))
    job.ok("up", "-d")
    process = psutil.Process(job.pids()["it"])
    supervisor = job.supervisor()
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait(20)
    (job.directory / "go").touch()
    process.wait(20)
    job.ok("up", "-d", "--wait")
    row = job.rows()["it"]
    assert (row["State"], row["ExitCode"]) == ("completed", 0)
    assert job.ok("logs", "--no-log-prefix") == "done\n"


def test_supervisor_and_keeper_killed_and_still_nothing_restarts(mesh: Make) -> None:
    sleeper = mesh(one(script(SLEEPER)))
    sleeper.ok("up", "-d", "--wait")
    before = sleeper.pids()
    for process in sleeper.processes():
        if process.pid != before["it"]:
            process.send_signal(signal.SIGKILL)
    sleeper.ok("up", "-d", "--wait")
    assert sleeper.pids() == before
    os.kill(before["it"], signal.SIGKILL)
    until(lambda: sleeper.rows()["it"]["State"] == "failed", what="the end of a process whose parent is gone")
    assert "exit code unknown" in sleeper.rows()["it"]["Note"]
    sleeper.ok("down")
    assert not sleeper.processes()


def test_a_mesh_without_supervisor_can_be_taken_down(mesh: Make) -> None:
    sleeper = mesh(one(script(SLEEPER)))
    sleeper.ok("up", "-d", "--wait")
    sleeper.supervisor().send_signal(signal.SIGKILL)
    sleeper.ok("down")
    assert not sleeper.processes()
    assert not sleeper.files()


def test_a_killed_service_is_noticed_at_once_restarted_at_once_and_explained(mesh: Make) -> None:
    sleeper = mesh(one(script(SLEEPER), "    restart: on-failure\n"))
    sleeper.ok("up", "-d", "--wait")
    pid = sleeper.pids()["it"]
    so_far = json.loads(sleeper.ok("events", "--no-follow", "--format", "json").splitlines()[-1])["seq"]
    events = sleeper.spawn("events", "--since", str(so_far), "--format", "json")
    assert events.stdout is not None
    killed = time.time()
    os.kill(pid, signal.SIGKILL)
    ended = json.loads(events.stdout.readline())
    assert ended["text"] == "killed by SIGKILL"
    assert ended["at"] - killed < 1
    started = json.loads(events.stdout.readline())
    while not started["text"].startswith("started"):
        started = json.loads(events.stdout.readline())
    events.kill()
    events.communicate()
    assert started["at"] - killed < 2
    row = sleeper.rows()["it"]
    assert row["Restarts"] == 1
    why = sleeper.ok("why", "it")
    assert "killed by SIGKILL" in why
    assert f"started (pid {pid})" in why


def test_a_service_that_was_killed_and_stays_down_says_who_did_not(mesh: Make) -> None:
    sleeper = mesh(one(script(SLEEPER)))
    sleeper.ok("up", "-d", "--wait")
    os.kill(sleeper.pids()["it"], signal.SIGKILL)
    until(lambda: sleeper.rows()["it"]["State"] == "failed")
    assert "killed by SIGKILL from outside" in sleeper.ok("why", "it")


def test_a_port_that_is_taken_is_said_before_the_start_with_its_holder(mesh: Make) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        it = mesh(one(script(SLEEPER), f'    ports: ["{port}:{port}"]\n'))
        done = it.devbox("up", "-d", "--wait")
    assert done.returncode == 1
    assert f"it: port {port} is taken by pid {os.getpid()} (" in done.stderr
    assert "End that process, or give the service another port." in done.stderr
    assert not it.ok("logs")


@pytest.mark.parametrize(
    ("command", "extra", "words"),
    [
        ("no-such-program --flag", "", "it: command not found: no-such-program"),
        ("./missing.sh", "", "missing.sh"),
        (script(SLEEPER), "    working_dir: ./nowhere\n", "its working directory"),
        (script("import sys; print('no table'); sys.exit(3)"), "", "it: exited with 3"),
        (script("import os; os.abort()"), "", "it: crashed (SIGABRT)"),
    ],
)
def test_what_cannot_run_is_named_with_its_reason(mesh: Make, command: str, extra: str, words: str) -> None:
    it = mesh(one(command, extra))
    done = it.devbox("up", "-d", "--wait")
    assert done.returncode == 1
    assert words in done.stderr
    assert "`devbox why it` tells more." in done.stderr


def test_a_failed_job_holds_its_dependents_with_its_reason_and_last_lines(mesh: Make) -> None:
    it = mesh(
        f"""
        name: one
        services:
          migrate:
            command: {script("import sys; print('relation exists', file=sys.stderr); sys.exit(1)")}
          api:
            command: {script(SLEEPER)}
            depends_on: {{migrate: {{condition: service_completed_successfully}}}}
        """
    )
    done = it.devbox("up", "-d", "--wait")
    assert done.returncode == 1
    assert "migrate: exited with 1" in done.stderr
    assert "│ relation exists" in done.stderr
    assert "api: waits for migrate to complete: exited with 1" in done.stderr
    assert "waits for migrate" in it.rows()["api"]["Note"]
    why = it.ok("why", "migrate")
    assert "Waiting for it: api" in why


def test_a_probe_that_never_passes_fails_the_wait_with_what_it_said(mesh: Make) -> None:
    health = "{http: /, interval: 200ms, retries: 2, start_period: 0s}"
    it = mesh(one(script(SLEEPER), f'    ports: ["8000"]\n    health: {health}\n'))
    done = it.devbox("up", "-d", "--wait")
    assert done.returncode == 1
    assert "it: unhealthy: GET http://127.0.0.1:" in done.stderr
    assert "connection refused" in done.stderr


def test_waiting_has_a_bound(mesh: Make) -> None:
    it = mesh(one(script(SLEEPER), '    ports: ["8000"]\n'))
    began = time.monotonic()
    done = it.devbox("up", "-d", "--wait", "--wait-timeout", "0.5")
    assert done.returncode == 1
    assert "not there after 0.5 s: nobody listens on 127.0.0.1:" in done.stderr
    assert time.monotonic() - began < 5


def test_a_crash_loop_backs_off_and_is_called_one(mesh: Make) -> None:
    it = mesh(one(script("print('no config'); raise SystemExit(2)"), "    restart: always\n"))
    done = it.devbox("up", "-d", "--wait", limit=60)
    assert done.returncode == 1
    assert "crash loop: 5 ends in a row, the last one exited with 2" in done.stderr
    assert "│ no config" in done.stderr


def test_what_escaped_by_forking_twice_goes_too(mesh: Make) -> None:
    daemon = (
        "import os, time, sys\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(3600)\n"
        "    os._exit(0)\n"
        "print('main', flush=True)\n"
        "time.sleep(3600)\n"
    )
    it = mesh(one(script(daemon)))
    it.ok("up", "-d", "--wait")
    until(lambda: len([p for p in it.processes() if "DEVBOX_INSTANCE" in p.environ()]) == 2)
    it.ok("stop")
    assert not [p for p in it.processes() if "DEVBOX_INSTANCE" in p.environ()]


def test_a_service_that_ignores_its_stop_signal_is_killed_after_its_grace(mesh: Make) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"
    )
    it = mesh(one(script(deaf), "    stop_grace_period: 500ms\n"))
    it.ok("up", "-d", "--wait")
    until(lambda: "deaf" in it.ok("logs"))
    pid = it.pids()["it"]
    began = time.monotonic()
    it.ok("stop")
    assert 0.4 < time.monotonic() - began < 5
    assert not psutil.pid_exists(pid)


def test_a_stop_signal_of_its_own_reaches_the_service(mesh: Make) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *a: (print('bye', flush=True), sys.exit(0)))\n"
        "print('up', flush=True)\ntime.sleep(99)\n"
    )
    it = mesh(one(script(code), "    stop_signal: SIGINT\n"))
    it.ok("up", "-d", "--wait")
    until(lambda: "up" in it.ok("logs"))
    it.ok("stop")
    assert it.ok("logs", "--no-log-prefix") == "up\nbye\n"


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_ends_it_all(mesh: Make, presses: int) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"
    )
    code = deaf if presses == 2 else SLEEPER
    it = mesh(one(script(code)))
    up = it.spawn("up")
    assert up.stdout is not None
    assert "│" in up.stdout.readline()
    began = time.monotonic()
    for _ in range(presses):
        up.send_signal(signal.SIGINT)
        time.sleep(0.4)
    up.communicate(timeout=20)
    assert up.returncode == 130
    assert time.monotonic() - began < 6
    assert not it.processes()
    assert not it.files()


def test_a_foreground_up_ends_with_its_services(mesh: Make) -> None:
    it = mesh(one(script("print('hello from the job')")))
    up = it.spawn("up")
    out, err = up.communicate(timeout=20)
    assert up.returncode == 0, err
    assert "it │ hello from the job" in out
    assert not it.processes()
    failing = mesh(one(script("raise SystemExit(4)")))
    assert failing.devbox("up").returncode == 1


def test_stale_files_of_a_killed_supervisor_do_not_matter(mesh: Make) -> None:
    it = mesh(one(script(SLEEPER)))
    run = it.home / "one" / "run"
    run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(run / "socket"))
    (run / "project.json").write_text("{torn")
    (run / "journal.jsonl").write_text('{"seq": 3, "torn')
    (run / "ports.json").write_text("")
    it.ok("up", "-d", "--wait")
    assert set(it.pids()) == {"it"}


def test_a_recycled_pid_in_a_record_is_never_signalled(mesh: Make) -> None:
    it = mesh(one(script(SLEEPER)))
    it.ok("up", "-d", "--wait")
    record = next((it.home / "one" / "run" / "records").glob("*.json"))
    bystander = subprocess.Popen([PYTHON, "-c", "import time; time.sleep(60)"])
    try:
        for process in it.processes():
            process.send_signal(signal.SIGKILL)
        until(lambda: not it.processes())
        text = record.read_text()
        data = json.loads(text)
        data["pid"] = bystander.pid
        record.write_text(json.dumps(data))
        it.ok("up", "-d", "--wait")
        it.ok("down")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_http_server_is_reached_at_the_port_it_was_given(mesh: Make) -> None:
    it = mesh(
        one(
            script(HTTP_SERVER),
            '    ports: ["8000"]\n    environment: {PORT: "${it.port}"}\n    health: {http: /, body: ok}\n',
        )
    )
    it.ok("up", "-d", "--wait")
    port = it.rows()["it"]["Publishers"][0]["PublishedPort"]
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        pass
    it.ok("down")
    it.ok("up", "-d", "--wait")
    assert it.rows()["it"]["Publishers"][0]["PublishedPort"] == port
