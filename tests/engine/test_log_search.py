"""`devbox logs` with its filters, on services that print what services print."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import textwrap
from collections.abc import Callable

from tests.engine.mesh import COUNTER, DEVBOX, Mesh, script

Make = Callable[..., Mesh]

API = textwrap.dedent(
    """
    import logging, sys
    print('\\x1b[2J\\x1b]0;title\\x07\\x1b[31mred\\x1b[0m 10%\\r100%', flush=True)
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(levelname)s %(name)s: %(message)s')
    logging.info('order 17 trace_id=4bf92f3577b34da6a3ce929d0e0e4736')
    logging.warning('slow')
    try:
        {}['a']
    except KeyError:
        logging.exception('failed')
    """
)
DB = "print('2024-01-01 00:00:00 UTC [1] LOG:  order 17 4bf92f3577b34da6a3ce929d0e0e4736', flush=True)"


def test_lines_are_found_by_text_level_and_time(mesh: Make) -> None:
    it = mesh(
        f"""
        name: found
        services:
          api: {{command: {script(API)}, restart: "no"}}
          db:
            command: {script(DB)}
            depends_on: {{api: {{condition: service_completed_successfully}}}}
        """
    )
    it.ok("up", "-d", "--wait")
    path = it.ok("logs", "--grep", "4bf92f.*4736").splitlines()
    assert [line.split("│")[0].strip() for line in path] == ["api", "db"]
    errors = it.ok("logs", "--level", "error", "--no-log-prefix").splitlines()
    assert errors[0].endswith("ERROR root: failed")
    assert errors[-1] == "KeyError: 'a'"
    assert len(it.ok("logs", "--level", "warn").splitlines()) == len(errors) + 1
    found = [json.loads(line) for line in it.ok("logs", "--format", "json", "--level", "warn").splitlines()]
    assert [each["level"] for each in found] == ["warn"] + ["error"] * len(errors)
    assert it.ok("logs", "--grep", "ORDER", "-i", "-n", "1", "api").count("\n") == 1
    assert it.ok("logs", "--until", "1h") == ""
    assert it.ok("logs", "--since", "1h") == it.ok("logs")
    wrong = it.devbox("logs", "--grep", "a(")
    assert wrong.returncode == 2
    assert "no regular expression" in wrong.stderr
    assert it.devbox("logs", "--level", "loud").returncode == 2
    assert it.devbox("logs", "--since", "yore").returncode == 2


def test_a_terminal_is_only_coloured_and_a_pipe_gets_what_was_written(mesh: Make) -> None:
    it = mesh(f"""
        name: harmless
        services: {{api: {{command: {script(API)}, restart: "no"}}}}
        """)
    it.ok("up", "-d", "--wait")
    argv = [*DEVBOX, "logs", "--no-log-prefix", "-n", "50"]
    piped = subprocess.run(argv, cwd=it.directory, env=it.env, capture_output=True, check=True, timeout=30).stdout
    assert b"\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m 10%\r100%\n" in piped
    ours, theirs = pty.openpty()
    subprocess.run(argv, cwd=it.directory, env=it.env, stdout=theirs, stderr=subprocess.PIPE, check=True, timeout=30)
    os.close(theirs)
    shown = os.read(ours, 1 << 16)
    os.close(ours)
    assert b"100%" in shown
    assert b"\x1b[2J" not in shown
    assert b"title" not in shown


def test_who_follows_is_told_when_the_supervisor_is_killed(mesh: Make) -> None:
    it = mesh(f"name: cutoff\nservices:\n  count: {{command: {script(COUNTER)}}}\n")
    it.ok("up", "-d", "--wait")
    follower = it.spawn("logs", "-f", "--no-log-prefix")
    assert follower.stdout is not None
    assert follower.stdout.readline() == "line 0\n"
    it.supervisor().kill()
    _, said = follower.communicate(timeout=20)
    assert follower.returncode == 1
    assert "ended in the middle of a stream" in said
    it.ok("up", "-d")
    whole = it.spawn("logs", "-f", "--no-log-prefix")
    assert whole.stdout is not None
    assert whole.stdout.readline() == "line 0\n"
    it.ok("down")
    # What the first `readline` has read ahead, `communicate` would not give.
    out = whole.stdout.read()
    _, said = whole.communicate(timeout=20)
    assert (whole.returncode, said) == (0, "")
    assert [int(line.split()[1]) for line in out.splitlines()] == [*range(1, out.count("\n") + 1)]
