"""Run-time keys that need something beside them: other containers, a device, IPv6; and those that an engine refuses."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.docker.conftest import ROOT, docker
from tests.docker.remains import everything, left
from tests.docker.test_keys import at
from tests.engine.mesh import Mesh, until

BASE = "image: devbox-test/base, command: sleep 3600, init: true, stop_grace_period: 0s"
OUTSIDE = "t3more-outside"
"""A container that another tool made."""

MANIFEST = f"""
name: t3more
services:
  plain: {{{BASE}, ipc: shareable, volumes: ["./made:/of-plain"]}}
  grouped:
    {{{BASE}, cgroup: host, cgroup_parent: /t3more, mem_limit: 64m, mem_swappiness: 10, oom_kill_disable: true,
     oom_score_adj: 400, isolation: default, logging: {{driver: none}}, userns_mode: host, uts: host}}
  throttled:
    {{{BASE}, blkio_config: {{weight: 300, weight_device: [{{path: DEVICE, weight: 200}}],
     device_read_bps: [{{path: DEVICE, rate: 12mb}}], device_write_bps: [{{path: DEVICE, rate: 1024k}}],
     device_read_iops: [{{path: DEVICE, rate: 120}}], device_write_iops: [{{path: DEVICE, rate: 30}}]}}}}
  bound:
    image: devbox-test/base
    command: sleep 3600
    init: true
    stop_grace_period: 0s
    volumes:
      - {{type: bind, source: ./made, target: /apart, bind: {{propagation: rprivate}}}}
      - {{type: bind, source: ./made, target: /private, bind: {{selinux: Z}}}}
      - ./made:/shared:ro,z
      - {{type: volume, target: /kept, source: kept, volume: {{nocopy: true}}}}
  borrowing: {{{BASE}, volumes_from: [plain, "container:{OUTSIDE}:ro"], external_links: ["{OUTSIDE}:friend"]}}
  joined: {{{BASE}, network_mode: "container:{OUTSIDE}", pid: "container:{OUTSIDE}", ipc: "container:{OUTSIDE}"}}
  within: {{{BASE}, network_mode: "service:plain", pid: "service:plain", ipc: "service:plain"}}
  alone: {{{BASE}, network_mode: none}}
  six: {{{BASE}, networks: {{v6: {{ipv6_address: "fd00:7431::9", link_local_ips: [169.254.7.9], aliases: [sechs]}}}}}}
  gpu: {{{BASE}, gpus: all}}
  sized: {{{BASE}, storage_opt: {{size: 1g}}}}
  realtime: {{{BASE}, cpu_rt_runtime: 950ms, cpu_rt_period: 1s}}
  unheard: {{{BASE}, runtime: of-nobody}}
  windows: {{{BASE}, isolation: hyperv}}
volumes: {{kept: {{}}}}
networks:
  default: {{driver: bridge}}
  v6: {{enable_ipv6: true, ipam: {{config: [{{subnet: "fd00:7431::/64"}}]}}}}
"""

REFUSED = {
    "gpu": "gpu",
    "sized": "--storage-opt is supported only",
    "realtime": r"real-time|cpu\.rt_runtime_us",
    "unheard": "of-nobody",
    "windows": "isolation",
}
"""What an engine on Linux, on its usual file system and without graphics, says it has not."""

EXPECTED: dict[str, dict[str, Any]] = {
    "grouped": {
        "HostConfig.CgroupnsMode": "host",
        "HostConfig.CgroupParent": "/t3more",
        "HostConfig.MemorySwappiness": 10,
        "HostConfig.OomKillDisable": True,
        "HostConfig.OomScoreAdj": 400,
        "HostConfig.Isolation": "default",
        "HostConfig.LogConfig.Type": "none",
        "HostConfig.UsernsMode": "host",
        "HostConfig.UTSMode": "host",
    },
    "throttled": {
        "HostConfig.BlkioDeviceReadBps": [{"Path": "DEVICE", "Rate": 12 << 20}],
        "HostConfig.BlkioDeviceWriteBps": [{"Path": "DEVICE", "Rate": 1 << 20}],
        "HostConfig.BlkioDeviceReadIOps": [{"Path": "DEVICE", "Rate": 120}],
        "HostConfig.BlkioDeviceWriteIOps": [{"Path": "DEVICE", "Rate": 30}],
    },
    "borrowing": {
        "HostConfig.VolumesFrom": ["t3more-plain-1", f"{OUTSIDE}:ro"],
        "NetworkSettings.Networks.t3more_default.Links": [f"{OUTSIDE}:friend"],
    },
    "joined": {
        "HostConfig.NetworkMode": "container:OUTSIDE",
        "HostConfig.PidMode": "container:OUTSIDE",
        "HostConfig.IpcMode": "container:OUTSIDE",
    },
    "within": {
        "HostConfig.NetworkMode": "container:PLAIN",
        "HostConfig.PidMode": "container:PLAIN",
        "HostConfig.IpcMode": "container:PLAIN",
    },
    "alone": {"HostConfig.NetworkMode": "none"},
    "six": {
        "NetworkSettings.Networks.t3more_v6.GlobalIPv6Address": "fd00:7431::9",
        "NetworkSettings.Networks.t3more_v6.IPAMConfig.LinkLocalIPs": ["169.254.7.9"],
    },
}


@dataclass(frozen=True)
class Up:
    """The mesh, up as far as it comes; what was said meanwhile; ids of containers, and the block device it names."""

    mesh: Mesh
    stderr: str
    device: str

    def inspected(self, service: str) -> dict[str, Any]:
        return dict(json.loads(docker("container", "inspect", f"t3more-{service}-1"))[0])

    def meant(self, value: Any) -> Any:
        """An expected value with what is only known now put in. An engine may tell a container by id or by name."""
        text = json.dumps(value).replace("DEVICE", self.device)
        for word, name in (("OUTSIDE", OUTSIDE), ("PLAIN", "t3more-plain-1")):
            text = text.replace(f"container:{word}", f"container:{name}")
        return json.loads(text)


@pytest.fixture(scope="module")
def up(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("keys")
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    device = (
        f"/dev/{next(each.name for each in sorted(Path('/sys/block').iterdir()) if not each.name.startswith('loop'))}"
    )
    it = Mesh(folder / "project", MANIFEST.replace("DEVICE", device), env)
    before = everything()
    docker(
        "run",
        "-d",
        "--init",
        "--ipc",
        "shareable",
        "-v",
        "/of-outside",
        "--name",
        OUTSIDE,
        "devbox-test/base",
        "sleep",
        "3600",
    )
    try:
        docker("network", "create", "t3more_default", "--label", "com.docker.compose.project=t3more")
        docker("network", "connect", "t3more_default", OUTSIDE)
        done = it.devbox("up", "-d", "--wait", limit=90)
        assert done.returncode == 1
        wanted = {name for name in it.rows() if name not in REFUSED}
        until(lambda: {n for n, row in it.rows().items() if row["State"] == "running"} >= wanted, 60.0, "the rest")
        until(lambda: all(it.rows()[name]["State"] == "failed" for name in REFUSED), 60.0, "the end of the others")
        yield Up(it, done.stderr, device)
    finally:
        docker("rm", "-fv", OUTSIDE)
        it.end()
        if "t3more_default" in docker("network", "ls", "--format", "{{.Name}}").split():
            docker("network", "rm", "t3more_default")
    assert left(before, ["t3more"]) == []


@pytest.mark.parametrize(("service", "path"), [(name, path) for name, all_of in EXPECTED.items() for path in all_of])
def test_the_engine_has_what_the_manifest_says(up: Up, service: str, path: str) -> None:
    found = at(up.inspected(service), path)
    if isinstance(found, str) and found.startswith("container:"):
        found = f"container:{docker('inspect', '-f', '{{.Name}}', found.partition(':')[2]).strip().lstrip('/')}"
    assert found == up.meant(EXPECTED[service][path])


@pytest.mark.parametrize("service", REFUSED)
def test_what_the_engine_has_not_is_told_in_its_words(up: Up, service: str) -> None:
    assert re.search(REFUSED[service], up.mesh.rows()[service]["Note"])


def test_binds_in_their_forms(up: Up) -> None:
    inspected = up.inspected("bound")
    mounts = {mount["Destination"]: mount for mount in inspected["Mounts"]}
    assert mounts["/apart"]["Propagation"] == "rprivate"
    assert (mounts["/private"]["Mode"], mounts["/shared"]["Mode"]) == ("rw,Z", "ro,z")
    (kept,) = (mount for mount in inspected["HostConfig"]["Mounts"] if mount["Target"] == "/kept")
    assert kept["VolumeOptions"]["NoCopy"] is True


def test_volumes_of_others_are_there(up: Up) -> None:
    there = docker("exec", "t3more-borrowing-1", "ls", "-d", "/of-plain", "/of-outside").split()
    assert there == ["/of-outside", "/of-plain"]
    assert docker("exec", "t3more-borrowing-1", "getent", "hosts", "friend").split()


def test_what_the_kernel_has_not_is_said(up: Up) -> None:
    """The engine makes such a container nevertheless, and says what it left out."""
    if up.inspected("throttled")["HostConfig"]["BlkioWeight"] != 300:
        assert "throttled  note: Your kernel does not support Block I/O weight" in up.stderr
