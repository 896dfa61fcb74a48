"""Memory limits of host processes: a control group for each instance that has one, where one can be made (cgroups(7)).

Where none can be made, the limit is remembered all the same, so that whoever measures can tell when it is passed.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from devbox.runtimes import procfs

_ROOT = "/sys/fs/cgroup"


class MemoryGroups:
    """The groups of a project's instances. What there is is kept in `folder`, for the next supervisor."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[str, int]] = {}
        for file in folder.glob("*.json") if folder.is_dir() else ():
            with contextlib.suppress(OSError, ValueError, KeyError):
                data = json.loads(file.read_text())
                self._known[file.stem] = (data["group"], data["limit"])

    def hold(self, instance: str, pid: int, limit: int) -> bool:
        """Keep a process, and whatever it starts, below a limit in bytes; False where it can only be watched."""
        group = _made(f"devbox-{instance}", limit)
        if group and not _written(f"{group}/cgroup.procs", pid):
            _removed(group)
            group = ""
        self._known[instance] = (group, limit)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file(instance).write_text(json.dumps({"group": group, "limit": limit}))
        return bool(group)

    def limit(self, instance: str) -> int | None:
        """The limit of an instance in bytes, if it has one."""
        return self._known[instance][1] if instance in self._known else None

    def ran_out(self, instance: str) -> bool:
        """Whether the kernel killed something of an instance for want of memory."""
        group = self._known.get(instance, ("", 0))[0]
        if not group:
            return False
        words = (procfs.read(f"{group}/memory.events") or procfs.read(f"{group}/memory.oom_control")).split()
        return "oom_kill" in words and int(words[words.index("oom_kill") + 1]) > 0

    def forget(self, instance: str) -> None:
        """Remove the group of an instance that has ended."""
        group, _ = self._known.pop(instance, ("", 0))
        if group:
            _removed(group)
        self._file(instance).unlink(missing_ok=True)

    def _file(self, instance: str) -> Path:
        return self._folder / f"{instance}.json"


def can_limit() -> bool:
    """Whether a group can be made here."""
    group = _made(f"devbox-try-{os.getpid()}", 1 << 30)
    if group:
        _removed(group)
    return bool(group)


def _made(name: str, limit: int) -> str:
    """The path of a new group with a limit; empty where none can be made."""
    for parent in _parents():
        group = f"{parent}/{name}"
        try:
            os.mkdir(group)
        except OSError:
            continue
        if _limited(group, limit):
            return group
        _removed(group)
    return ""


def _parents() -> list[str]:
    """Where a group may be made: version 1 allows it anywhere below, version 2 beside the nearest one that shares out
    memory."""
    own = {
        controller: path
        for line in procfs.read("/proc/self/cgroup").splitlines()
        for _, controllers, path in [line.split(":", 2)]
        for controller in controllers.split(",")
    }
    if not os.path.exists(f"{_ROOT}/cgroup.controllers"):
        return [f"{_ROOT}/memory{own['memory'].rstrip('/')}"] if "memory" in own else []
    parts = own.get("", "/").strip("/").split("/")
    above = [f"{_ROOT}/{'/'.join(parts[:length])}".rstrip("/") for length in range(len(parts), -1, -1)]
    return [path for path in above if "memory" in procfs.read(f"{path}/cgroup.subtree_control").split()]


def _limited(group: str, limit: int) -> bool:
    if os.path.exists(f"{group}/memory.max"):
        _written(f"{group}/memory.swap.max", 0)
        _written(f"{group}/memory.oom.group", 1)
        return _written(f"{group}/memory.max", limit)
    if not _written(f"{group}/memory.limit_in_bytes", limit):
        return False
    _written(f"{group}/memory.memsw.limit_in_bytes", limit)
    return True


def _written(path: str, value: int) -> bool:
    try:
        with open(path, "r+") as file:
            file.write(str(value))
    except OSError:
        return False
    return True


def _removed(group: str) -> None:
    with contextlib.suppress(OSError):
        os.rmdir(group)
