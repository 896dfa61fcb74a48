"""What the kernel tells of processes and control groups as plain files (proc(5), cgroups(7)): cheap to read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from devbox.runtimes.meter import Counters

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_ROOT = "/sys/fs/cgroup"
_NO_LIMIT = 1 << 60
"""Where version 1 has no limit it tells the largest number of pages there could be."""

HERE = os.path.exists("/proc/self/stat")
"""Whether this system has such files at all."""


def read(path: str) -> str:
    """What a file of the kernel holds; empty where it is not there or not for us."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(handle, 1 << 16).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(handle)


def trees(roots: Iterable[int]) -> dict[int, Counters]:
    """What the processes below each pid have used, itself included: one look at all processes, whatever is asked."""
    stats: dict[int, list[str]] = {}
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (text := read(f"/proc/{name}/stat")):
            fields = text.rpartition(")")[2].split()
            stats[int(name)] = fields
            children.setdefault(int(fields[1]), []).append(int(name))
    return {root: _tree(list(_below(root, children)), stats) for root in roots if root in stats}


def _below(root: int, children: dict[int, list[int]]) -> Iterator[int]:
    todo = [root]
    while todo:
        pid = todo.pop()
        yield pid
        todo += children.get(pid, ())


def _tree(pids: list[int], stats: dict[int, list[str]]) -> Counters:
    cpu = memory = 0
    for pid in pids:
        fields = stats[pid]
        cpu += int(fields[11]) + int(fields[12])
        memory += int(fields[21]) * _PAGE
    disk = [_disk(pid) for pid in pids]
    known = any(each is not None for each in disk)
    return Counters(
        cpu=cpu / _TICK,
        memory=memory,
        disk_read=sum(each[0] for each in disk if each) if known else None,
        disk_write=sum(each[1] for each in disk if each) if known else None,
        open_files=_open_files(pids),
    )


def _disk(pid: int) -> tuple[int, int] | None:
    """Bytes that a process had read from disks and written to them."""
    words = read(f"/proc/{pid}/io").split()
    if "read_bytes:" not in words:
        return None
    return int(words[words.index("read_bytes:") + 1]), int(words[words.index("write_bytes:") + 1])


def _open_files(pids: Iterable[int]) -> int | None:
    count = None
    for pid in pids:
        try:
            count = (count or 0) + len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            continue
    return count


def container(pid: int, container_id: str) -> Counters | None:
    """What a container has used whose first process is `pid`; None where its control group cannot be read here.

    An engine in a virtual machine tells pids that mean nothing here: the group must bear the container's id.
    """
    groups = _groups(pid)
    if not any(container_id in path for path in groups.values()):
        return None
    counters = _version_2(groups[""]) if os.path.exists(f"{_ROOT}/cgroup.controllers") else _version_1(groups)
    if counters is None:
        return None
    cpu, memory, limit, disk, folder = counters
    network = _network(pid)
    return Counters(
        cpu=cpu,
        memory=memory,
        memory_limit=limit if limit is not None and limit < _NO_LIMIT else None,
        net_rx=network[0] if network else None,
        net_tx=network[1] if network else None,
        disk_read=disk[0],
        disk_write=disk[1],
        open_files=_open_files(map(int, read(f"{folder}/cgroup.procs").split())),
    )


def _groups(pid: int) -> dict[str, str]:
    """The control group of a process for each controller; that of version 2 under the empty name."""
    found = {}
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(","):
            found[name] = path
    return found


_Group = tuple[float, int, int | None, tuple[int, int], str]


def _version_2(path: str) -> _Group | None:
    folder = f"{_ROOT}{path}"
    used = read(f"{folder}/memory.current").strip()
    if not used:
        return None
    cpu = _value(read(f"{folder}/cpu.stat"), "usage_usec") / 1e6
    idle = _value(read(f"{folder}/memory.stat"), "inactive_file")
    most = read(f"{folder}/memory.max").strip()
    parts = [part.partition("=") for part in read(f"{folder}/io.stat").split() if "=" in part]
    disk = tuple(sum(int(value) for name, _, value in parts if name == wanted) for wanted in ("rbytes", "wbytes"))
    limit = int(most) if most.isdigit() else None
    return cpu, max(0, int(used) - idle), limit, (disk[0], disk[1]), folder


def _version_1(groups: dict[str, str]) -> _Group | None:
    folder = f"{_ROOT}/memory{groups.get('memory', '')}"
    used = read(f"{folder}/memory.usage_in_bytes").strip()
    spent = read(f"{_ROOT}/cpuacct{groups.get('cpuacct', '')}/cpuacct.usage").strip()
    if not used or not spent:
        return None
    idle = _value(read(f"{folder}/memory.stat"), "total_inactive_file")
    limit = int(read(f"{folder}/memory.limit_in_bytes") or _NO_LIMIT)
    words = read(f"{_ROOT}/blkio{groups.get('blkio', '')}/blkio.throttle.io_service_bytes").split()
    disk = [sum(int(words[i + 1]) for i, word in enumerate(words) if word == kind) for kind in ("Read", "Write")]
    return int(spent) / 1e9, max(0, int(used) - idle), limit, (disk[0], disk[1]), folder


def _value(text: str, name: str) -> int:
    words = text.split()
    return int(words[words.index(name) + 1]) if name in words else 0


def _network(pid: int) -> tuple[int, int] | None:
    """Bytes received and sent in a process's network, loopback aside; None for one that has none of its own."""
    try:
        if os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            return None
    except OSError:
        return None
    received = sent = 0
    for line in read(f"/proc/{pid}/net/dev").splitlines()[2:]:
        name, _, numbers = line.partition(":")
        if name.strip() != "lo":
            fields = numbers.split()
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent
