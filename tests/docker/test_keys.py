"""Every run-time key, as the engine says that it made the container of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docker.conftest import docker
from tests.docker.remains import everything, left
from tests.engine.mesh import Mesh, until

BASE = "image: devbox-test/base, command: sleep 3600, init: true, stop_grace_period: 0s"
MANIFEST = f"""
name: t3keys
services:
  plain:
    {{{BASE}, container_name: t3-plain}}
  process:
    image: devbox-test/base
    entrypoint: [sh, -c]
    command: ["sleep 3600"]
    environment: {{A: b}}
    env_file: [vars.env]
    user: "1000:1001"
    working_dir: /srv
    init: true
    tty: true
    stdin_open: true
    stop_signal: SIGKILL
    stop_grace_period: 3s
    platform: linux/amd64
    pull_policy: missing
    restart: "no"
    labels: {{own.label: x}}
    annotations: {{a.b: c}}
    post_start: [{{command: [sh, -c, "echo $$HOOK > /tmp/hook"], environment: {{HOOK: ran}}}}]
    pre_stop: [{{command: [sh, -c, "echo stopped > /hooks/stopped"], user: root}}]
    volumes: ["./hooks:/hooks"]
  isolated:
    {{{BASE}, cap_add: [CAP_NET_ADMIN], cap_drop: [CAP_MKNOD], privileged: false, 
     devices: ["/dev/null:/dev/nothing:r"], device_cgroup_rules: ["c 1:3 mr"], group_add: ["44"], ipc: private,
     pid: host, uts: host, userns_mode: host, cgroup: private, sysctls: {{net.core.somaxconn: 1024}},
     ulimits: {{nofile: {{soft: 1000, hard: 2000}}, nproc: 500}}, shm_size: 128m, read_only: true, runtime: runc,
     tmpfs: ["/run:size=1m"]}}
  sharing:
    {{{BASE}, pid: "service:plain", ipc: "service:shared-memory", network_mode: "service:plain",
     volumes_from: ["deployed:ro"]}}
  shared-memory: {{{BASE}, ipc: shareable}}
  hosted: {{{BASE}, network_mode: host}}
  named:
    {{{BASE}, hostname: h, domainname: d.example, dns: [1.1.1.1], dns_opt: [ndots:2], dns_search: [s.example],
     extra_hosts: ["other:10.1.2.3"], expose: ["7000", "7001/udp"], links: ["plain:friend"],
     mac_address: "02:42:ac:11:00:05"}}
  limited:
    {{{BASE}, mem_limit: 64m, mem_reservation: 32m, memswap_limit: 128m, cpus: 0.5, cpu_shares: 512,
     cpuset: "0", pids_limit: 77, oom_score_adj: 300, security_opt: ["no-new-privileges:true"],
     logging: {{driver: json-file, options: {{max-size: 1m}}}},
     blkio_config: {{weight: 300}}}}
  deployed:
    {{{BASE}, volumes: ["./made:/shared"],
     deploy: {{replicas: 2, resources: {{limits: {{cpus: "0.25", memory: 48m, pids: 55}},
     reservations: {{memory: 24m}}}}, restart_policy: {{condition: on-failure}}}}}}
  timed: {{{BASE}, cpu_quota: 20000, cpu_period: 50000, healthcheck: {{disable: true}}}}
  ports:
    {{{BASE}, ports: ["17481:81", "127.0.0.1:17482:82/udp", "17483-17484:83-84", {{target: 85, published: "17485",
     host_ip: 0.0.0.0}}]}}
  networked:
    image: devbox-test/base
    command: sleep 3600
    stop_grace_period: 0s
    networks:
      static: {{ipv4_address: 10.231.7.9, aliases: [also], priority: 10, gw_priority: 1, interface_name: lan0}}
      inner: {{}}
      outside: {{}}
  storage:
    image: devbox-test/base
    command: sleep 3600
    stop_grace_period: 0s
    volume_driver: local
    cpu_count: 2
    credential_spec: {{file: none.json}}
    models: [none]
    volumes:
      - ./made:/bind
      - {{type: bind, source: ./made, target: /bind-alone, bind: {{recursive: disabled}}}}
      - ./made:/bind-ro:ro
      - data:/data
      - /anonymous
      - {{type: tmpfs, target: /tmpfs, tmpfs: {{size: 1048576, mode: 0o700}}}}
      - {{type: volume, source: elsewhere, target: /elsewhere, read_only: true, volume: {{nocopy: true}}}}
      - {{type: volume, source: data, target: /sub, volume: {{subpath: x}}}}
    secrets: [from-file, {{source: from-env, target: renamed, mode: 0o400, uid: "1000"}}]
    configs: [{{source: inline, target: /etc/inline.conf}}]
volumes:
  data: {{labels: {{v: w}}, driver: local, driver_opts: {{type: tmpfs, device: tmpfs, o: size=2m}}}}
  elsewhere: {{external: true, name: t3keys-external}}
networks:
  static:
    driver: bridge
    driver_opts: {{com.docker.network.bridge.enable_icc: "true"}}
    labels: {{n: m}}
    ipam: {{config: [{{subnet: 10.231.7.0/24, gateway: 10.231.7.1, ip_range: 10.231.7.128/25}}]}}
  inner: {{internal: true, attachable: true, name: t3keys-inner}}
  outside: {{external: true, name: t3keys-outside}}
secrets:
  from-file: {{file: ./secret.txt}}
  from-env: {{environment: T3_SECRET}}
configs:
  inline: {{content: "hello"}}
"""

EXPECTED: dict[str, dict[str, Any]] = {
    "process-1": {
        "Config.Entrypoint": ["sh", "-c"],
        "Config.Cmd": ["sleep 3600"],
        "Config.User": "1000:1001",
        "Config.WorkingDir": "/srv",
        "Config.Tty": True,
        "Config.OpenStdin": True,
        "Config.StopSignal": "SIGKILL",
        "Config.StopTimeout": 3,
        "Config.Labels.own~label": "x",
        "HostConfig.Init": True,
    },
    "isolated-1": {
        "HostConfig.CapAdd": ["CAP_NET_ADMIN"],
        "HostConfig.CapDrop": ["CAP_MKNOD"],
        "HostConfig.Devices": [
            {"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "r"}
        ],
        "HostConfig.DeviceCgroupRules": ["c 1:3 mr"],
        "HostConfig.GroupAdd": ["44"],
        "HostConfig.IpcMode": "private",
        "HostConfig.PidMode": "host",
        "HostConfig.UTSMode": "host",
        "HostConfig.UsernsMode": "host",
        "HostConfig.CgroupnsMode": "private",
        "HostConfig.Sysctls": {"net.core.somaxconn": "1024"},
        "HostConfig.ShmSize": 128 << 20,
        "HostConfig.ReadonlyRootfs": True,
        "HostConfig.Runtime": "runc",
    },
    "hosted-1": {"HostConfig.NetworkMode": "host"},
    "named-1": {
        "Config.Hostname": "h",
        "Config.Domainname": "d.example",
        "HostConfig.Dns": ["1.1.1.1"],
        "HostConfig.DnsOptions": ["ndots:2"],
        "HostConfig.DnsSearch": ["s.example"],
        "NetworkSettings.Networks.t3keys_default.Links": ["t3-plain:friend"],
        "Config.ExposedPorts": {"7000/tcp": {}, "7001/udp": {}},
        "Config.MacAddress": "02:42:ac:11:00:05",
    },
    "limited-1": {
        "HostConfig.Memory": 64 << 20,
        "HostConfig.MemoryReservation": 32 << 20,
        "HostConfig.MemorySwap": 128 << 20,
        "HostConfig.NanoCpus": 500_000_000,
        "HostConfig.CpuShares": 512,
        "HostConfig.CpusetCpus": "0",
        "HostConfig.PidsLimit": 77,
        "HostConfig.OomScoreAdj": 300,
        "HostConfig.SecurityOpt": ["no-new-privileges:true"],
        "HostConfig.LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
    },
    "deployed-1": {
        "HostConfig.NanoCpus": 250_000_000,
        "HostConfig.Memory": 48 << 20,
        "HostConfig.MemoryReservation": 24 << 20,
        "HostConfig.PidsLimit": 55,
    },
    "deployed-2": {"HostConfig.NanoCpus": 250_000_000},
    "timed-1": {
        "HostConfig.CpuQuota": 20000,
        "HostConfig.CpuPeriod": 50000,
        "Config.Healthcheck.Test": ["NONE"],
    },
    "ports-1": {
        "HostConfig.PortBindings": {
            "81/tcp": [{"HostIp": "127.0.0.1", "HostPort": "17481"}],
            "82/udp": [{"HostIp": "127.0.0.1", "HostPort": "17482"}],
            "83/tcp": [{"HostIp": "127.0.0.1", "HostPort": "17483"}],
            "84/tcp": [{"HostIp": "127.0.0.1", "HostPort": "17484"}],
            "85/tcp": [{"HostIp": "0.0.0.0", "HostPort": "17485"}],
        }
    },
    "networked-1": {
        "NetworkSettings.Networks.t3keys_static.IPAddress": "10.231.7.9",
        "HostConfig.NetworkMode": "t3keys_static",
    },
}


@pytest.fixture(scope="module")
def keys(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mesh, str]]:
    """The mesh with every key, up; and what was said on stderr meanwhile."""
    folder = tmp_path_factory.mktemp("keys")
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(Path(__file__).parents[2])}
    env["T3_SECRET"] = "from the environment"
    it = Mesh(folder / "project", MANIFEST, env)
    (it.directory / "vars.env").write_text("FROM_FILE=yes\n")
    (it.directory / "secret.txt").write_text("from a file")
    before = everything()
    docker("volume", "create", "t3keys-external")
    docker("network", "create", "t3keys-outside")
    try:
        done = it.devbox("up", "-d", limit=90)
        assert done.returncode == 0, done.stderr
        yield it, done.stderr
    finally:
        it.end()
        docker("volume", "rm", "t3keys-external")
        docker("network", "rm", "t3keys-outside")
    assert (it.directory / "hooks" / "stopped").read_text() == "stopped\n"
    assert left(before, ["t3keys", "t3"]) == []


def inspected(container: str) -> dict[str, Any]:
    return dict(json.loads(docker("container", "inspect", container))[0])


def at(thing: Any, path: str) -> Any:
    """What stands at a dotted path; `~` is a dot within a name."""
    for part in path.split("."):
        thing = thing[part.replace("~", ".")]
    return thing


@pytest.mark.parametrize(("container", "path"), [(name, path) for name, all_of in EXPECTED.items() for path in all_of])
def test_the_engine_has_what_the_manifest_says(keys: tuple[Mesh, str], container: str, path: str) -> None:
    assert at(inspected(f"t3keys-{container}"), path) == EXPECTED[container][path]


def test_a_name_of_ones_own(keys: tuple[Mesh, str]) -> None:
    assert inspected("t3-plain")["State"]["Running"]


def test_environment_files_and_hooks(keys: tuple[Mesh, str]) -> None:
    env = inspected("t3keys-process-1")["Config"]["Env"]
    assert {"A=b", "FROM_FILE=yes"} <= set(env)
    assert docker("exec", "t3keys-process-1", "cat", "/tmp/hook") == "ran\n"


def test_ulimits_and_tmpfs_hold_inside(keys: tuple[Mesh, str]) -> None:
    assert docker("exec", "t3keys-isolated-1", "sh", "-c", "ulimit -Sn; ulimit -Hn").split() == ["1000", "2000"]
    assert "size=1024k" in docker("exec", "t3keys-isolated-1", "grep", " /run ", "/proc/mounts")


def test_hosts_and_aliases_are_found_inside(keys: tuple[Mesh, str]) -> None:
    assert docker("exec", "t3keys-named-1", "getent", "hosts", "other").split()[0] == "10.1.2.3"
    assert docker("exec", "t3keys-named-1", "getent", "hosts", "friend").split()
    assert docker("exec", "t3keys-networked-1", "getent", "hosts", "also").split()[0] == "10.231.7.9"


def test_namespaces_and_volumes_of_another(keys: tuple[Mesh, str]) -> None:
    host = inspected("t3keys-sharing-1")["HostConfig"]
    plain, memory = inspected("t3-plain")["Id"], inspected("t3keys-shared-memory-1")["Id"]
    assert host["NetworkMode"] == f"container:{plain}"
    assert host["PidMode"] in (f"container:{plain}", "container:t3-plain")
    assert host["IpcMode"] in (f"container:{memory}", "container:t3keys-shared-memory-1")
    assert host["VolumesFrom"] == ["t3keys-deployed-1:ro"]
    assert docker("exec", "t3keys-sharing-1", "ls", "-d", "/shared").strip() == "/shared"


def test_networks_are_made_as_they_are_described(keys: tuple[Mesh, str]) -> None:
    (static,) = json.loads(docker("network", "inspect", "t3keys_static"))
    assert static["IPAM"]["Config"] == [
        {"Subnet": "10.231.7.0/24", "IPRange": "10.231.7.128/25", "Gateway": "10.231.7.1"}
    ]
    assert static["Options"] == {"com.docker.network.bridge.enable_icc": "true"}
    assert static["Labels"]["n"] == "m"
    (inner,) = json.loads(docker("network", "inspect", "t3keys-inner"))
    assert (inner["Internal"], inner["Attachable"]) == (True, True)
    assert inspected("t3keys-networked-1")["NetworkSettings"]["Networks"].keys() == {
        "t3keys_static",
        "t3keys-inner",
        "t3keys-outside",
    }


def test_storage(keys: tuple[Mesh, str]) -> None:
    it, _ = keys
    mounts = {mount["Destination"]: mount for mount in inspected("t3keys-storage-1")["Mounts"]}
    assert mounts["/bind"]["Source"] == str(it.directory / "made")
    assert (mounts["/bind"]["RW"], mounts["/bind-ro"]["RW"]) == (True, False)
    assert (mounts["/data"]["Name"], mounts["/elsewhere"]["Name"]) == ("t3keys_data", "t3keys-external")
    assert mounts["/elsewhere"]["RW"] is False
    assert mounts["/anonymous"]["Type"] == "volume"
    options = docker("exec", "t3keys-storage-1", "grep", " /tmpfs ", "/proc/mounts")
    assert "size=1024k,mode=700" in options
    (data,) = json.loads(docker("volume", "inspect", "t3keys_data"))
    assert data["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=2m"}
    assert data["Labels"]["v"] == "w"


def test_secrets_and_configs(keys: tuple[Mesh, str]) -> None:
    def cat(path: str) -> str:
        return docker("exec", "t3keys-storage-1", "cat", path)

    assert cat("/run/secrets/from-file") == "from a file"
    assert cat("/run/secrets/renamed") == "from the environment"
    assert cat("/etc/inline.conf") == "hello"
    assert docker("exec", "t3keys-storage-1", "stat", "-c", "%a %u", "/run/secrets/renamed") == "400 1000\n"


@pytest.mark.parametrize(
    ("service", "key", "since"),
    [
        ("process", "annotations", (1, 43)),
        ("storage", "volumes.volume.subpath", (1, 45)),
        ("networked", "networks.gw_priority", (1, 48)),
        ("networked", "networks.interface_name", (1, 49)),
    ],
)
def test_a_key_that_the_engine_is_too_old_for_is_said(
    keys: tuple[Mesh, str], service: str, key: str, since: tuple[int, int]
) -> None:
    api = docker("version", "-f", "{{.Server.APIVersion}}").strip()
    new = tuple(map(int, api.split("."))) >= since
    assert (f"note: {service}: the engine is too old for `{key}` (its API is {api}" in keys[1]) is not new


BEYOND = f"""
name: t4beyond
services:
  image: {{{BASE}, volumes: [{{type: image, source: devbox-test/base, target: /tools}}]}}
  cluster: {{{BASE}, volumes: [{{type: cluster, source: group, target: /shared}}]}}
  pipe: {{{BASE}, volumes: [{{type: npipe, source: pipe, target: /pipe}}]}}
  secret: {{{BASE}, secrets: [far]}}
  provided: {{provider: {{type: cloud}}}}
  fine: {{{BASE}, depends_on: [provided]}}
secrets: {{far: {{external: true}}}}
"""
REFUSED = {"cluster": "cluster", "pipe": "npipe", "secret": "the secret far is external"}


def test_what_this_engine_cannot_do_is_said_at_the_start_and_the_rest_runs(engine: None, tmp_path: Path) -> None:
    env = {**os.environ, "DEVBOX_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(Path(__file__).parents[2])}
    mesh = Mesh(tmp_path / "project", BEYOND, env)
    api = docker("version", "-f", "{{.Server.APIVersion}}").strip()
    old = tuple(map(int, api.split("."))) < (1, 48)
    refused = REFUSED | ({"image": f"its API is {api}, 1.48 has it first"} if old else {})
    try:
        done = mesh.devbox("up", "-d", "--wait", limit=90)
        assert done.returncode == 1
        for service, words in refused.items():
            assert any(service in line and words in line for line in done.stderr.splitlines()), done.stderr
        rest = {"fine", "image"} - refused.keys()
        until(
            lambda: {*mesh.ok("ps", "--services", "--status", "running").split()} == rest, what="the rest of the mesh"
        )
    finally:
        mesh.end()
