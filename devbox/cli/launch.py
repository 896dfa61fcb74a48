"""Starting a project's supervisor, once, whoever else tries at the same time."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time

from devbox.domain.errors import ControlError
from devbox.domain.places import Places

_START_LIMIT = 20.0
_OTHER_LIMIT = 10.0
_AGAIN_AFTER = 0.5


def supervisor_answers(places: Places) -> bool:
    """Whether a supervisor of this project takes connections."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(2.0)
        try:
            trial.connect(str(places.socket))
        except OSError:
            return False
    return True


def ensure_supervisor(places: Places) -> bool:
    """Have a supervisor run; True when this call started it. Raises ControlError with its words when it cannot."""
    if supervisor_answers(places):
        return False
    deadline = time.monotonic() + _OTHER_LIMIT
    while (word := _start(places)) == "locked" and time.monotonic() < deadline:
        # Another one begins, and will answer, or it ends, and then this call's can start.
        if _answers_within(places, _AGAIN_AFTER):
            return False
    if word != "ready":
        raise ControlError(f"the supervisor of {places.project} did not start", hint=_last_words(places))
    return True


def _answers_within(places: Places, limit: float) -> bool:
    deadline = time.monotonic() + limit
    while not supervisor_answers(places):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _start(places: Places) -> str:
    """Start a supervisor; what it says of itself: `ready`, `locked` (another one runs), or nothing."""
    places.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    places.socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    reader, writer = os.pipe()
    try:
        with places.supervisor_log.open("ab") as log:
            subprocess.Popen(
                [sys.executable, "-m", "devbox.cli.supervisor", places.project, str(writer)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[writer],
                cwd="/",
                env=_environment(),
            )
    finally:
        os.close(writer)
    return _word(reader)


def _environment() -> dict[str, str]:
    """This process's environment; relative entries of PYTHONPATH still mean the same from elsewhere."""
    env = dict(os.environ)
    if path := env.get("PYTHONPATH"):
        env["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in path.split(os.pathsep))
    return env


def _word(reader: int) -> str:
    with os.fdopen(reader) as pipe:
        if not select.select([pipe], [], [], _START_LIMIT)[0]:
            return ""
        return pipe.readline().strip()


def _last_words(places: Places) -> str:
    try:
        lines = places.supervisor_log.read_text(errors="replace").splitlines()[-5:]
    except OSError:
        lines = []
    return "\n  ".join([f"Its log is {places.supervisor_log}:", *lines])


def wait_for_end(pid: int, limit: float) -> bool:
    """Wait until a process is gone, `limit` seconds at most; whether it is."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except (OSError, AttributeError):
        return _poll_for_end(pid, limit)
    try:
        return bool(select.select([handle], [], [], limit)[0])
    finally:
        os.close(handle)


def _poll_for_end(pid: int, limit: float) -> bool:
    """For systems without pidfds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False
