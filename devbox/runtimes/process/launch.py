"""What a host process is started with: its environment, its program, its place; and what is wrong with them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from devbox.domain.spec import ProcessRun, Unit
from devbox.domain.status import Failure, FailureKind

_UNPRIVILEGED_ID = "1000"


def environment(unit: Unit, base: Mapping[str, str], project: str) -> dict[str, str]:
    """The whole environment of a service: that of whoever said `up`, the manifest's on top.

    The directory of the Python that runs devbox comes last on PATH, so that `python` means something everywhere.
    """
    own_python = os.path.dirname(sys.executable)
    path = f"{base.get('PATH', os.defpath)}{os.pathsep}{own_python}"
    fixed = {"PATH": path, "DEVBOX_PROJECT": project, "DEVBOX_SERVICE": unit.key.service}
    return {"PYTHONUNBUFFERED": "1", **base, **fixed, **unit.env}


def program(run: ProcessRun, env: Mapping[str, str]) -> Failure | tuple[str, ...]:
    """The argument list to execute, or what is wrong with it."""
    argv = tuple(map(str, run.argv))
    if not os.path.isdir(run.working_dir):
        return Failure(
            FailureKind.DIRECTORY_MISSING,
            f"its working directory {run.working_dir} does not exist",
            hint="Create it, or mend `working_dir` in the manifest.",
        )
    if run.unprivileged and os.geteuid() == 0 and not _has_user_namespaces():
        return Failure(
            FailureKind.NOT_EXECUTABLE,
            f"{argv[0]} refuses to run as root, and user namespaces are not available here",
            hint="Run devbox as an ordinary user, or set `runtime: docker`.",
        )
    name = argv[0]
    if os.sep in name:
        found = os.path.join(run.working_dir, name)
        return _not_executable(found) or argv
    if shutil.which(name, path=env.get("PATH")) is None:
        return Failure(
            FailureKind.COMMAND_NOT_FOUND,
            f"command not found: {name}",
            hint=f"Install {name}, or write the path to it; PATH was searched.",
        )
    return argv


def _not_executable(path: str) -> Failure | None:
    if not os.path.exists(path):
        return Failure(FailureKind.COMMAND_NOT_FOUND, f"command not found: {path}", hint="Mend `command`.")
    if os.path.isdir(path):
        return Failure(FailureKind.NOT_EXECUTABLE, f"{path} is a directory", hint="Name a program in it in `command`.")
    if not os.access(path, os.X_OK):
        return Failure(FailureKind.NOT_EXECUTABLE, f"{path} is not executable", hint=f"chmod +x {path}")
    return None


def as_somebody_else(run: ProcessRun, argv: tuple[str, ...]) -> tuple[str, ...]:
    """`argv`, changed so that a program which refuses to run as root does not see that it is.

    A user namespace in which root's files belong to an ordinary user: nothing needs another owner or mode for it.
    """
    if not run.unprivileged or os.geteuid() != 0:
        return argv
    return ("unshare", "--user", f"--map-user={_UNPRIVILEGED_ID}", f"--map-group={_UNPRIVILEGED_ID}", "--", *argv)


@functools.cache
def _has_user_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    trial = ["unshare", "--user", "--map-user=1", "--map-group=1", "--", "true"]
    return subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, timeout=10).returncode == 0


def data_mark(folder: str) -> str:
    """A text that stands for the data in a directory, kept there: other data there have another one."""
    file = Path(folder) / ".devbox-data"
    try:
        return file.read_text()
    except FileNotFoundError:
        mark = uuid.uuid4().hex
        file.write_text(mark)
        return mark


def ensure_data_dir(run: ProcessRun) -> None:
    """Make the directory for the service's data, for this user alone."""
    if run.data_dir is not None:
        Path(run.data_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
