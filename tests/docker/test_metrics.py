"""A real Prometheus scrapes devbox's own metrics, from a port of loopback, beside a mesh of both kinds."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.docker.conftest import docker
from tests.engine.mesh import SLEEPER, Mesh, script, until

Make = Callable[..., Mesh]

MANIFEST = f"""
name: t7metrics
services:
  prometheus: {{use: prometheus, stop_grace_period: 0s}}
  box: {{image: devbox-test/base, command: sleep 3600, mem_limit: 64m, stop_grace_period: 0s}}
  host: {{command: {script(SLEEPER)}}}
"""


def asked(port: int, query: str) -> list[dict[str, Any]]:
    url = f"http://127.0.0.1:{port}/api/v1/query?query={query}"
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return list(json.load(answer)["data"]["result"])
    return []


def test_a_prometheus_of_the_mesh_scrapes_what_every_replica_uses(mesh: Make) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--wait", "--metrics-port", str(port), limit=120)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert b'devbox_up{project="t7metrics",service="host",replica="1"} 1' in answer.read()
    prometheus = it.rows()["prometheus"]["Publishers"][0]["PublishedPort"]
    memory = "devbox_memory_bytes"
    until(lambda: len(asked(prometheus, memory)) == 3, 40.0, "a scrape of all three")
    used = {each["metric"]["service"]: float(each["value"][1]) for each in asked(prometheus, memory)}
    assert all(value > 100_000 for value in used.values())
    (limit,) = asked(prometheus, "devbox_memory_limit_bytes%7Bservice=%22box%22%7D")
    assert limit["value"][1] == str(64 << 20)
    assert it.ok("up", "--plan").strip() == "nothing to do"
    taken = it.devbox("up", "-d", "--metrics-port", str(prometheus))
    assert taken.returncode == 2
    assert f"metrics cannot be served on 127.0.0.1:{prometheus}: " in taken.stderr


OTHER_KERNEL = """
mount -t tmpfs none /sys/fs/cgroup && mkdir -p "/sys/fs/cgroup$1" && cd "/sys/fs/cgroup$1" || exit 1
touch /sys/fs/cgroup/cgroup.controllers
echo 50000000 > memory.current; echo "$4" > memory.max; echo "anon 1\\ninactive_file 20000000" > memory.stat
printf 'usage_usec 1500000\\nuser_usec 1\\n' > cpu.stat
printf '8:0 rbytes=100 wbytes=7 rios=1\\n8:16 rbytes=11 wbytes=5 rios=1\\n' > io.stat
echo "$2" > cgroup.procs
exec "$5" -c "from devbox.runtimes import procfs; print(procfs.container($2, '$3'))"
"""
"""Control groups of version 2 as files, where the machine itself may have version 1."""


def test_a_container_is_measured_by_control_groups_of_version_2(mesh: Make) -> None:
    it = mesh(
        "name: t7second\nservices: {box: {image: devbox-test/base, command: sleep 3600, stop_grace_period: 0s}}\n"
    )
    it.ok("up", "-d")
    pid, whole = it.pids()["box"], docker("inspect", "-f", "{{.Id}}", "t7second-box-1").strip()
    groups = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    (group,) = [path for _, controllers, path in groups if controllers == ""]
    assert whole in group

    def measured(limit: str) -> str:
        argv = ["unshare", "-m", "sh", "-c", OTHER_KERNEL, "sh", group, str(pid), whole, limit, sys.executable]
        return subprocess.run(argv, env=it.env, capture_output=True, text=True, check=True).stdout

    assert "cpu=1.5, memory=30000000, memory_limit=64000000, " in measured("64000000")
    assert "memory_limit=None, " in measured("max")
    assert "disk_read=111, disk_write=12, open_files=" in measured("max")
