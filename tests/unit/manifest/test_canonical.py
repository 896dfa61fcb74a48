"""The manifest in canonical form, as `devbox config` prints it: key by key, and the same when it is read again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from devbox.domain.errors import ManifestError
from devbox.manifest.canonical import canonical
from devbox.manifest.keys import COMPOSE
from devbox.manifest.reading import read_as_written
from devbox.manifest.showing import MASK, as_written
from devbox.manifest.unreplaced import with_whole_paths
from tests.unit.manifest.reading import Folder, as_printed

TESTS = Path(__file__).parents[2]


def data_of(folder: Folder, text: str, name: str = "compose.yaml") -> dict[str, Any]:
    data = canonical(folder.read(text, name=name))
    assert json.loads(json.dumps(data)) == data
    return data


def service_of(folder: Folder, key: str, written: str, more: str = "") -> Any:
    """What one key of a service comes to; `more` stands beside the services."""
    image = "" if key == "image" else "    image: x\n"
    data = data_of(folder, f"services:\n  web:\n{image}    {key}: {written}\n  other: {{image: y}}\n{more}")
    again = data_of(folder, yaml.safe_dump(data, sort_keys=False))
    assert again == data
    return data["services"]["web"].get(key)


DECLARED = """
volumes: {data: {}}
networks: {back: {}}
secrets: {key: {file: ./key.txt}}
configs: {conf: {content: hello}}
"""

KEYS: dict[str, list[tuple[str, Any]]] = {
    "annotations": [("[a=b]", {"a": "b"}), ("{a: 1}", {"a": "1"})],
    "attach": [("false", False)],
    "blkio_config": [("{weight: 300}", {"weight": 300})],
    "build": [
        (".", {"context": "/project", "dockerfile": "Dockerfile"}),
        (
            "{context: ./web, target: dev, args: [A=1, B=2], labels: [c=d], shm_size: 1m, no_cache: true}",
            {
                "args": {"A": "1", "B": "2"},
                "context": "/project/web",
                "dockerfile": "Dockerfile",
                "labels": {"c": "d"},
                "no_cache": True,
                "shm_size": "1048576",
                "target": "dev",
            },
        ),
        (
            "{context: ., entitlements: [network.host], no_cache_filter: [dev], provenance: mode=max, sbom: true}",
            {
                "context": "/project",
                "dockerfile": "Dockerfile",
                "entitlements": ["network.host"],
                "no_cache_filter": ["dev"],
                "provenance": "mode=max",
                "sbom": True,
            },
        ),
        (
            "{context: ., additional_contexts: {docs: ./docs, base: 'docker-image://x'}, ulimits: {nofile: 9}}",
            {
                "additional_contexts": {"docs": "/project/docs", "base": "docker-image://x"},
                "context": "/project",
                "dockerfile": "Dockerfile",
                "ulimits": {"nofile": 9},
            },
        ),
        ("{context: ., dockerfile_inline: FROM x}", {"context": "/project", "dockerfile_inline": "FROM x"}),
        (
            "{context: ., secrets: [key], cache_from: [z], ssh: [default], extra_hosts: ['a:1.2.3.4']}",
            {
                "cache_from": ["z"],
                "context": "/project",
                "dockerfile": "Dockerfile",
                "extra_hosts": ["a=1.2.3.4"],
                "secrets": [{"source": "key"}],
                "ssh": ["default"],
            },
        ),
    ],
    "cap_add": [("[SYS_ADMIN]", ["SYS_ADMIN"])],
    "cap_drop": [("[ALL]", ["ALL"])],
    "cgroup": [("host", "host")],
    "cgroup_parent": [("m", "m")],
    "command": [("run 'a b' $$HOME", ["run", "a b", "$$HOME"]), ("[a, 'b c']", ["a", "b c"])],
    "configs": [
        ("[conf]", [{"source": "conf"}]),
        ("[{source: conf, target: /c, mode: 0440}]", [{"source": "conf", "target": "/c", "mode": "0440"}]),
    ],
    "container_name": [("c", "c")],
    "cpu_period": [("50000", 50000)],
    "cpu_quota": [("10000", 10000)],
    "cpu_rt_period": [("1000", 1000)],
    "cpu_rt_runtime": [("400", 400)],
    "cpu_shares": [("10", 10)],
    "cpus": [("0.5", 0.5)],
    "cpuset": [("0,1", "0,1"), ("1", "1")],
    "depends_on": [
        ("[other]", {"other": {"condition": "service_started", "required": True}}),
        (
            "{other: {condition: service_healthy, restart: true, required: false}}",
            {"other": {"condition": "service_healthy", "required": False, "restart": True}},
        ),
    ],
    "deploy": [
        (
            "{replicas: 2, resources: {limits: {memory: 50M, cpus: '0.5'}}, labels: [a=b]}",
            {
                "replicas": 2,
                "resources": {"limits": {"memory": "52428800", "cpus": 0.5}},
                "labels": {"a": "b"},
            },
        ),
    ],
    "device_cgroup_rules": [("['c 1:3 mr']", ["c 1:3 mr"])],
    "devices": [
        ("[/dev/null:/dev/x:r]", [{"source": "/dev/null", "target": "/dev/x", "permissions": "r"}]),
        ("[/dev/null]", [{"source": "/dev/null", "target": "/dev/null", "permissions": "rwm"}]),
    ],
    "dns": [("8.8.8.8", ["8.8.8.8"])],
    "dns_opt": [("[use-vc]", ["use-vc"])],
    "dns_search": [("example.com", ["example.com"])],
    "domainname": [("d", "d")],
    "entrypoint": [("tini --", ["tini", "--"])],
    "environment": [
        ("[A=b, C=$$x]", {"A": "b", "C": "$$x"}),
        ("{N: 1.10, T: true}", {"N": "1.10", "T": "true"}),
        ("[UNSET]", {"UNSET": None}),
    ],
    "expose": [("[80, '90-91']", ["80", "90-91"])],
    "external_links": [("[a:b]", ["a:b"])],
    "extra_hosts": [
        ("['a:1.2.3.4', b=::1]", ["a=1.2.3.4", "b=::1"]),
        ("{a: 1.2.3.4, b: ['[::1]', '::2']}", ["a=1.2.3.4", "b=::1", "b=::2"]),
    ],
    "gpus": [("all", [{"count": -1}])],
    "group_add": [("[1000, mail]", ["1000", "mail"])],
    "healthcheck": [
        ("{test: curl x, interval: 90s}", {"test": ["CMD-SHELL", "curl x"], "interval": "1m30s"}),
        ("{test: [CMD, a], retries: 5, timeout: 1m}", {"test": ["CMD", "a"], "retries": 5, "timeout": "1m0s"}),
        ("{disable: true}", {"disable": True}),
    ],
    "hostname": [("h", "h")],
    "image": [("x:1", "x:1")],
    "init": [("true", True)],
    "ipc": [("host", "host")],
    "isolation": [("default", "default")],
    "labels": [("[a=b]", {"a": "b"}), ("{n: 7}", {"n": "7"})],
    "links": [("[other:o]", ["other:o"])],
    "logging": [("{driver: none, options: {max-size: 1m}}", {"driver": "none", "options": {"max-size": "1m"}})],
    "mac_address": [("02:42:ac:11:65:43", "02:42:ac:11:65:43")],
    "mem_limit": [("512m", "536870912"), ("1000", "1000")],
    "mem_reservation": [("1g", "1073741824")],
    "mem_swappiness": [("10", "10")],
    "memswap_limit": [("-1", "-1"), ("1g", "1073741824")],
    "network_mode": [("host", "host")],
    "networks": [
        ("[back]", {"back": None}),
        ("{back: {aliases: [a]}}", {"back": {"aliases": ["a"]}}),
        (
            "{back: {ipv4_address: 10.9.0.2, priority: 7, gw_priority: 2, interface_name: eth1}}",
            {"back": {"ipv4_address": "10.9.0.2", "priority": 7, "gw_priority": 2, "interface_name": "eth1"}},
        ),
    ],
    "oom_kill_disable": [("true", True)],
    "oom_score_adj": [("5", 5)],
    "pid": [("host", "host")],
    "pids_limit": [("10", 10)],
    "platform": [("linux/amd64", "linux/amd64")],
    "ports": [
        (
            "['8080:80']",
            [{"mode": "ingress", "host_ip": "127.0.0.1", "target": 80, "published": "8080", "protocol": "tcp"}],
        ),
        (
            "['0.0.0.0:53:53/udp', {target: 9}]",
            [
                {"mode": "ingress", "host_ip": "0.0.0.0", "target": 53, "published": "53", "protocol": "udp"},
                {"mode": "ingress", "host_ip": "127.0.0.1", "target": 9, "protocol": "tcp"},
            ],
        ),
        (
            "[{name: web, target: 80, published: 8080, host_ip: 0.0.0.0, mode: host, app_protocol: http}]",
            [
                {
                    "name": "web",
                    "mode": "host",
                    "host_ip": "0.0.0.0",
                    "target": 80,
                    "published": "8080",
                    "protocol": "tcp",
                    "app_protocol": "http",
                }
            ],
        ),
        (
            "['3000-3001:3000-3001']",
            [
                {"mode": "ingress", "host_ip": "127.0.0.1", "target": n, "published": str(n), "protocol": "tcp"}
                for n in (3000, 3001)
            ],
        ),
    ],
    "post_start": [("[{command: 'a b', user: root}]", [{"command": ["a", "b"], "user": "root"}])],
    "pre_stop": [("[{command: [a]}]", [{"command": ["a"]}])],
    "privileged": [("true", True)],
    "pull_policy": [("always", "always"), ("refresh", "refresh")],
    "pull_refresh_after": [("90m", "1h30m0s")],
    "read_only": [("true", True)],
    "restart": [("always", "always"), ("on-failure:3", "on-failure:3"), ("'no'", "no")],
    "runtime": [("runc", "runc")],
    "scale": [("2", 2)],
    "secrets": [
        ("[key]", [{"source": "key", "target": "/run/secrets/key"}]),
        (
            "[{source: key, target: other, uid: '1', gid: '2', mode: 0400}]",
            [{"source": "key", "target": "/run/secrets/other", "uid": "1", "gid": "2", "mode": "0400"}],
        ),
    ],
    "security_opt": [("['label:disable']", ["label:disable"])],
    "shm_size": [("64m", "67108864")],
    "stdin_open": [("true", True)],
    "stop_grace_period": [("90s", "1m30s")],
    "stop_signal": [("SIGINT", "SIGINT")],
    "stop_timeout": [("3", 3)],
    "storage_opt": [("{size: 1G}", {"size": "1G"})],
    "sysctls": [("[net.core.somaxconn=1024]", {"net.core.somaxconn": "1024"})],
    "tmpfs": [("/run", ["/run"]), ("['/tmp:size=64m']", ["/tmp:size=64m"])],
    "tty": [("true", True)],
    "ulimits": [("{nofile: {soft: 1, hard: 2}, nproc: 9}", {"nofile": {"soft": 1, "hard": 2}, "nproc": 9})],
    "use_api_socket": [("true", True)],
    "user": [("1000", "1000"), ("me:us", "me:us")],
    "userns_mode": [("host", "host")],
    "uts": [("host", "host")],
    "volumes": [
        ("['data:/d']", [{"type": "volume", "source": "data", "target": "/d", "volume": {}}]),
        ("['/d']", [{"type": "volume", "target": "/d", "volume": {}}]),
        (
            "['./src:/app:ro']",
            [
                {
                    "type": "bind",
                    "source": "/project/src",
                    "target": "/app",
                    "read_only": True,
                    "bind": {"create_host_path": True},
                }
            ],
        ),
        (
            "[{type: volume, source: data, target: /d, read_only: true, volume: {nocopy: true, subpath: a}}]",
            [
                {
                    "type": "volume",
                    "source": "data",
                    "target": "/d",
                    "read_only": True,
                    "volume": {"nocopy": True, "subpath": "a"},
                }
            ],
        ),
        (
            "[{type: bind, source: ., target: /d, consistency: cached, bind: {propagation: rslave, selinux: z}}]",
            [
                {
                    "type": "bind",
                    "source": "/project",
                    "target": "/d",
                    "bind": {"propagation": "rslave", "create_host_path": True, "selinux": "z"},
                    "consistency": "cached",
                }
            ],
        ),
        (
            "[{type: bind, source: /a, target: /d, bind: {recursive: readonly, create_host_path: false}}]",
            [
                {
                    "type": "bind",
                    "source": "/a",
                    "target": "/d",
                    "bind": {"create_host_path": False, "recursive": "readonly"},
                }
            ],
        ),
        (
            "[{type: volume, source: data, target: /d, volume: {labels: [a=b]}}]",
            [{"type": "volume", "source": "data", "target": "/d", "volume": {"labels": {"a": "b"}}}],
        ),
        (
            "[{type: image, source: 'tools:1', target: /t, image: {subpath: bin}}]",
            [{"type": "image", "source": "tools:1", "target": "/t", "image": {"subpath": "bin"}}],
        ),
        (
            "[{type: cluster, source: group, target: /c}, {type: npipe, source: '//./pipe/p', target: /p}]",
            [
                {"type": "cluster", "source": "group", "target": "/c"},
                {"type": "npipe", "source": "//./pipe/p", "target": "/p"},
            ],
        ),
        (
            "[{type: tmpfs, target: /t, tmpfs: {size: 1m}}]",
            [{"type": "tmpfs", "target": "/t", "tmpfs": {"size": "1048576"}}],
        ),
    ],
    "volume_driver": [("local", "local")],
    "volumes_from": [("['other:ro']", ["other:ro"])],
    "working_dir": [("/app", "/app")],
}

ELSEWHERE = {"develop", "env_file", "extends", "label_file", "profiles"}
"""Keys whose meaning stands in others afterwards; they have tests of their own below."""


@pytest.mark.parametrize(("key", "written", "expected"), [(k, w, e) for k, rows in KEYS.items() for w, e in rows])
def test_a_key(folder: Folder, key: str, written: str, expected: Any) -> None:
    folder.write("key.txt", "secret")
    found = service_of(folder, key, written, DECLARED)
    assert json.loads(json.dumps(found).replace(str(folder.path), "/project")) == expected


def test_every_key_of_the_specification_is_looked_at() -> None:
    assert KEYS.keys() | ELSEWHERE == COMPOSE.keys()


def test_what_a_service_extends_and_what_files_say_is_in_it(folder: Folder) -> None:
    folder.write("vars.env", "A=file\nB=file\n")
    folder.write("labels.txt", "from=file\n")
    data = data_of(
        folder,
        """
        name: shop
        services:
          base: {image: x, labels: [own=1]}
          web:
            extends: base
            env_file: vars.env
            label_file: labels.txt
            environment: {B: "own", TOKEN: hidden, URL: "http://me:pw@host"}
          quiet: {image: y, profiles: [off]}
        """,
    )
    assert data["services"].keys() == {"base", "web"}
    assert data["services"]["web"] == {
        "environment": {"A": "file", "B": "own", "TOKEN": MASK, "URL": MASK},
        "image": "x",
        "labels": {"from": "file", "own": "1"},
        "networks": {"default": None},
    }
    assert data["networks"] == {"default": {"name": "shop_default"}}


def test_what_is_watched_stands_with_whole_paths(folder: Folder) -> None:
    data = data_of(
        folder,
        """
        name: shop
        services:
          web: {image: x, develop: {watch: [{path: ./src, action: sync, target: /app, ignore: [a/]}]}}
          api: {command: x, watch: [./src, {path: lib, cascade: true}]}
          one: {command: x, watch: ./src}
        """,
        "devbox.yaml",
    )
    src = f"{folder.path}/src"
    rule = {"path": src, "action": "sync", "target": "/app", "ignore": ["a/"]}
    assert data["services"]["web"]["develop"] == {"watch": [rule]}
    assert data["services"]["api"]["watch"] == [src, {"path": f"{folder.path}/lib", "cascade": True}]
    assert data["services"]["one"]["watch"] == [src]


def test_resources_have_names_and_only_those_in_use_are_there(folder: Folder) -> None:
    folder.write("key.txt", "x")
    data = data_of(
        folder,
        """
        name: shop
        services:
          web: {image: x, networks: [back, ext], volumes: ["data:/d"], secrets: [key, inline], configs: [conf]}
        networks:
          back: {driver: bridge, internal: true, labels: [a=b], ipam: {config: [{subnet: 10.9.0.0/24}]}}
          ext: {external: true, name: outside}
          unused: {}
        volumes: {data: {labels: {n: 1}}, other: {}}
        secrets: {key: {file: ./key.txt}, inline: {content: hush}}
        configs: {conf: {content: "a $$b"}}
        """,
    )
    assert data["networks"] == {
        "back": {
            "name": "shop_back",
            "driver": "bridge",
            "internal": True,
            "ipam": {"config": [{"subnet": "10.9.0.0/24"}]},
            "labels": {"a": "b"},
        },
        "ext": {"name": "outside", "external": True},
    }
    assert data["volumes"] == {"data": {"name": "shop_data", "labels": {"n": "1"}}}
    assert data["secrets"] == {
        "inline": {"name": "shop_inline", "content": MASK},
        "key": {"name": "shop_key", "file": f"{folder.path}/key.txt"},
    }
    assert data["configs"] == {"conf": {"name": "shop_conf", "content": "a $$b"}}


def test_what_a_service_shares_a_part_of_is_waited_for(folder: Folder) -> None:
    data = data_of(
        folder,
        """
        services:
          web: {image: x, network_mode: "service:net", links: [db:store], volumes_from: ["files:ro"]}
          net: {image: x}
          db: {image: x}
          files: {image: x}
        """,
    )
    started = {"condition": "service_started", "required": True}
    assert data["services"]["web"]["depends_on"] == {"db": started, "files": started, "net": started}


def test_a_volume_that_binds_a_directory_has_its_absolute_path(folder: Folder) -> None:
    text = """
        services:
          web: {image: x, volumes: ["data:/d"]}
        volumes:
          data: {driver: local, driver_opts: {type: none, o: bind, device: ./files}}
        """
    options = {"type": "none", "o": "bind", "device": f"{folder.path}/files"}
    assert data_of(folder, text)["volumes"]["data"]["driver_opts"] == options
    (volume,) = folder.read(text).app.volumes
    assert dict(volume.driver_opts) == options


def test_a_manifest_as_it_is_written_keeps_its_variables_and_shows_no_secret(folder: Folder) -> None:
    file = folder.write(
        "compose.yaml",
        """
        services:
          map: {image: "x:$TAG", environment: {TOKEN: abc, OTHER: "${TOKEN}", A: b}}
          list: {image: x, environment: [TOKEN=abc, "PASSWORD=${P:-x}", B]}
        """,
    )
    data = as_written(read_as_written([file], environment={}))
    assert data["services"] == {
        "map": {"image": "x:$TAG", "environment": {"TOKEN": MASK, "OTHER": "${TOKEN}", "A": "b"}},
        "list": {"image": "x", "environment": [f"TOKEN={MASK}", "PASSWORD=${P:-x}", "B"]},
    }
    assert "abc" in str(as_written(read_as_written([file], environment={}), show_secrets=True))


SPREAD = {
    "compose.yaml": """
        name: shop
        include: ["${PART:-part}/compose.yaml"]
        services:
          web:
            extends: {file: base/base.yaml, service: "${BASE:-core}"}
            image: web:${TAG:-1}
            volumes: ["./src:/src", "data:/d", "./${X}/y:/y"]
            depends_on: [part]
        volumes: {data: {}, unused: {}}
        """,
    "part/compose.yaml": """
        services:
          part: {image: "part:${TAG}", build: ., env_file: [{path: part.env}], environment: [ONLY_HERE]}
        secrets: {s: {file: ./s.txt}}
        """,
    "part/.env": "ONLY_HERE=verysecret",
    "part/part.env": "A=b",
    "base/base.yaml": """
        services:
          core:
            command: "run ${WHAT}"
            volumes: ["./conf:/conf", "~/x:/x"]
            build: {context: ./ctx, additional_contexts: {docs: ../docs, img: docker-image://x}}
        """,
}


def spread(folder: Folder) -> Path:
    """A manifest that includes and extends others, in other directories."""
    for name, text in SPREAD.items():
        folder.write(name, text)
    return folder.path / "compose.yaml"


def test_what_is_included_and_extended_is_there_as_it_is_written(folder: Folder) -> None:
    tree = read_as_written([spread(folder)], environment={})
    path = folder.path
    assert as_written(with_whole_paths(tree)) == {
        "name": "shop",
        "services": {
            "web": {
                "command": "run ${WHAT}",
                "volumes": [f"{path}/base/conf:/conf", "~/x:/x", f"{path}/src:/src", "data:/d", f"{path}/${{X}}/y:/y"],
                "build": {
                    "context": f"{path}/base/ctx",
                    "additional_contexts": {"docs": f"{path}/docs", "img": "docker-image://x"},
                },
                "image": "web:${TAG:-1}",
                "depends_on": ["part"],
            },
            "part": {
                "image": "part:${TAG}",
                "build": f"{path}/part",
                "env_file": [{"path": f"{path}/part/part.env"}],
                "environment": ["ONLY_HERE"],
            },
        },
        "volumes": {"data": {}, "unused": {}},
        "secrets": {"s": {"file": f"{path}/part/s.txt"}},
    }
    assert as_written(tree)["services"]["part"]["build"] == "."


def test_a_fault_in_what_is_included_is_said_without_interpolation_too(folder: Folder) -> None:
    file = folder.write("compose.yaml", "include: [gone.yaml]\nservices: {web: {image: x}}\n")
    with pytest.raises(ManifestError, match=r"compose.yaml:1:11: cannot read .*gone.yaml"):
        read_as_written([file], environment={})


def test_paths_can_stay_relative_and_read_again_they_are_the_same(folder: Folder) -> None:
    reading = folder.read_files(spread(folder))
    data = canonical(reading, relative=True)
    assert data["services"]["part"]["build"]["context"] == "./part"
    assert data["services"]["web"]["build"]["additional_contexts"]["docs"] == "./docs"
    sources = [volume.get("source") for volume in data["services"]["web"]["volumes"]]
    assert sources == ["./base/conf", str(Path("~/x").expanduser()), "./src", "data", "./y"]
    again = folder.read(yaml.safe_dump(data))
    assert canonical(again, relative=True) == data
    assert canonical(again) == canonical(reading)


def test_what_goes_without_saying_can_be_left_out_and_means_the_same(folder: Folder) -> None:
    reading = folder.read_files(spread(folder))
    data = canonical(reading, normal=False)
    assert "networks" not in data
    assert "networks" not in data["services"]["web"]
    assert "dockerfile" not in data["services"]["part"]["build"]
    assert data["volumes"] == {"data": {}}
    assert canonical(folder.read(yaml.safe_dump(data))) == canonical(reading)


@pytest.mark.parametrize("why", ["requires: [no-such-program]", "profiles: [extra]"])
def test_what_refers_to_a_service_that_is_left_out_is_empty_there_too(folder: Folder, why: str) -> None:
    gone = f'  v1.gone: {{command: g, ports: ["80"], {why}}}'
    env = "{A: 'at ${v1.gone.port}', B: '$${v1.gone.port}', C: '${web.port}'}"
    waits = "{v1.gone: {condition: service_started, required: false}}"
    web = f'  web: {{command: [x, "${{v1.gone.url}}"], ports: ["81"], depends_on: {waits}, environment: {env}}}'
    data = data_of(folder, f"services:\n{gone}\n{web}\n", name="devbox.yaml")
    assert data["services"]["web"]["environment"] == {"A": "at ", "B": "$${v1.gone.port}", "C": "${web.port}"}
    assert data["services"]["web"]["command"] == ["x", ""]
    assert "depends_on" not in data["services"]["web"]
    assert data_of(folder, yaml.safe_dump(data), name="devbox.yaml") == data


def test_own_keys_with_nothing_in_them_are_their_own(folder: Folder) -> None:
    keys = ("watch", "seed", "requires", "tasks")
    text = "services:\n  web:\n    command: x\n" + "".join(f"    {key}:\n" for key in keys)
    data = data_of(folder, text, name="devbox.yaml")
    assert data_of(folder, yaml.safe_dump(data), name="devbox.yaml") == data


def test_models_stay_where_they_are(folder: Folder) -> None:
    data = data_of(folder, "services: {web: {image: x, models: [llm]}}\nmodels: {llm: {model: ai/small}}")
    assert data["models"] == {"llm": {"model": "ai/small"}}


def test_devboxs_own_keys_and_references_stand_as_they_are_written(folder: Folder) -> None:
    folder.write("db/tables.sql", "")
    text = """
        name: shop
        services:
          db: {use: "postgres:16", seed: ./db}
          web:
            command: serve ${web.port}
            working_dir: web
            ports: [8000]
            environment: {DB: "${db.url}", DB_PASSWORD: "${db.password}", PASSWORD: "x${db.host}"}
            health: {http: ":8000/healthz", interval: 90s}
            open: /docs
        """
    printed = yaml.safe_dump(data_of(folder, text, "devbox.yaml"), sort_keys=False)
    assert printed.replace(str(folder.path), "/project").strip() == as_printed(
        """
        name: shop
        services:
          db:
            seed:
            - /project/db
            use: postgres:16
          web:
            command:
            - serve
            - ${web.port}
            environment:
              DB: ${db.url}
              DB_PASSWORD: ${db.password}
              PASSWORD: '********'
            health:
              http: :8000/healthz
              interval: 1m30s
            open: /docs
            ports:
            - mode: ingress
              host_ip: 127.0.0.1
              target: 8000
              protocol: tcp
            working_dir: /project/web
        """
    )
    again = data_of(folder, printed, "devbox.yaml")
    assert yaml.safe_dump(again, sort_keys=False) == printed


MANIFESTS = sorted(
    path
    for pattern in ("meshes/cases/*/compose.y*ml", "fuzz/corpus/*.yaml", "../profiles/*/devbox.yaml")
    for path in TESTS.glob(pattern)
    if path.name != "base.yaml"
)


NEEDS_PROFILES = "every-key.yaml"
"""What links to a service of a profile, and is good with that one alone."""


@pytest.mark.parametrize(
    ("path", "profiles"),
    [(path, given) for path in MANIFESTS for given in ((), ("*",)) if given or path.name != NEEDS_PROFILES],
    ids=lambda each: f"{each.parent.name}/{each.name}" if isinstance(each, Path) else "".join(each) or "none",
)
def test_a_canonical_form_is_its_own(folder: Folder, path: Path, profiles: tuple[str, ...]) -> None:
    folder.environment, folder.engine = {"NAME": "n", "TOKEN": "t"}, lambda: True
    own = "devbox.yaml" if path.name in ("devbox.yaml", "own.yaml") else "compose.yaml"
    shutil.copytree(path.parent, folder.path / "there")
    manifest = (folder.path / "there" / path.name).rename(folder.path / "there" / own)
    for relative, normal in ((False, True), (True, True), (False, False)):
        once = canonical(folder.read_files(manifest, profiles=profiles), relative=relative, normal=normal)
        read_again = folder.write(f"there/again.{own}", yaml.safe_dump(once, sort_keys=False))
        again = canonical(folder.read_files(read_again, profiles=profiles), relative=relative, normal=normal)
        assert again == once
