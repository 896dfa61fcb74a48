"""What becomes of each key when a later file says something about it too. The expectations are Compose's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devbox.manifest.parse import parse
from devbox.manifest.source import Problems, Source
from tests.unit.manifest.reading import Folder, merged, plain


def service(folder: Folder, base: str, over: str) -> Any:
    """A service with a line in one file and another line in the next."""
    folder.write("compose.yaml", f"services:\n  web:\n    {base}\n")
    folder.write("compose.override.yaml", f"services:\n  web:\n    {over}\n")
    return merged(folder.path, "compose.yaml", "compose.override.yaml")["services"]["web"]


def said(text: str) -> Any:
    """What a piece of a file says, in the terms of `merged`."""
    return next(plain(tree) for tree in parse(Source(Path("expected"), "expected"), text, Problems()) or ())


REPLACED = [
    ("image: a", "image: b", "image: b"),
    ("command: [a, b]", "command: c", "command: c"),
    ("command: a", "command:", "command:"),
    ("entrypoint: [a]", "entrypoint: [b]", "entrypoint: [b]"),
    ("healthcheck: {test: [CMD, a], retries: 3}", "healthcheck: {test: b}", "healthcheck: {test: b, retries: 3}"),
    ("health: {http: /a, retries: 3}", "health: {tcp: 80}", "health: {tcp: 80}"),
    ("use: a", "use: {entry: b}", "use: {entry: b}"),
    ("tasks: {a: [x], b: [y]}", "tasks: {a: [z]}", "tasks: {a: [z], b: [y]}"),
    ("x-devbox: {health: {http: /}}", "x-devbox: {health: {tcp: 1}}", "x-devbox: {health: {tcp: 1}}"),
    ("ulimits: {nofile: 5}", "ulimits: {nofile: {soft: 1}}", "ulimits: {nofile: {soft: 1}}"),
    ("ulimits: {nofile: {soft: 1}}", "ulimits: {nofile: 5}", "ulimits: {nofile: 5}"),
    ("logging: {driver: a, options: {x: 1}}", "logging: {driver: b}", "logging: {driver: b}"),
    ("x-a: {b: 1}", "x-a: [2]", "x-a: [2]"),
]

KEPT = [
    ("image: a", "image:", "image: a"),
    ("labels: {a: 1}", "labels:", "labels: {a: 1}"),
    ("ports: ['1:1']", "ports:", "ports: ['1:1']"),
    ("build: .", "build:", "build: {context: .}"),
    ("logging: {driver: a}", "logging:", "logging: {driver: a}"),
    ("depends_on: [a]", "depends_on:", "depends_on: {a: {condition: service_started, required: true}}"),
    ("networks: {a: {priority: 1}}", "networks: [a]", "networks: {a: {priority: 1}}"),
]

BY_NAME = [
    ("environment: [A=1, B=1]", "environment: {B: 2, C: }", "environment: {A: 1, B: 2, C: }"),
    ("environment: {A: 1}", "environment: [A]", "environment: {A: }"),
    ("labels: {a: 1}", "labels: [b=2]", "labels: {a: 1, b: 2}"),
    ("annotations: [a=1]", "annotations: {a: 2}", "annotations: {a: 2}"),
    ("sysctls: {a: 1}", "sysctls: [b=2]", "sysctls: {a: 1, b: 2}"),
    ("storage_opt: {a: 1}", "storage_opt: {b: 2}", "storage_opt: {a: 1, b: 2}"),
    ("ulimits: {a: {soft: 1, hard: 2}}", "ulimits: {a: {soft: 3}}", "ulimits: {a: {soft: 3, hard: 2}}"),
    (
        "depends_on: {a: {condition: service_healthy, restart: true}, b: {condition: service_healthy}}",
        "depends_on: [a]",
        "depends_on: {a: {condition: service_started, restart: true, required: true}, b: {condition: service_healthy}}",
    ),
    ("networks: [a]", "networks: {a: {aliases: [x]}, b: }", "networks: {a: {aliases: [x]}, b: }"),
    (
        "networks: {a: {aliases: [x], priority: 1}}",
        "networks: {a: {aliases: [x, y]}}",
        "networks: {a: {aliases: [x, y], priority: 1}}",
    ),
    ("models: [a]", "models: {a: {endpoint_var: X}}", "models: {a: {endpoint_var: X}}"),
    (
        "logging: {driver: a, options: {x: 1}}",
        "logging: {options: {y: 2}}",
        "logging: {driver: a, options: {x: 1, y: 2}}",
    ),
    (
        "deploy: {labels: {a: 1}, resources: {limits: {cpus: 1}}}",
        "deploy: {labels: [b=1], resources: {limits: {memory: 1g}}}",
        "deploy: {labels: {a: 1, b: 1}, resources: {limits: {cpus: 1, memory: 1g}}}",
    ),
    ("x-a: {b: {c: 1}}", "x-a: {b: {d: 2}}", "x-a: {b: {c: 1, d: 2}}"),
    ("build: .", "build: {args: [A=1]}", "build: {context: ., args: [A=1]}"),
    (
        "build: {context: ., args: {A: 1, B: 2}, labels: [a=1], target: x}",
        "build: {args: [A=5, C], labels: {b: 1}}",
        "build: {context: ., args: {A: 5, B: 2, C: }, labels: {a: 1, b: 1}, target: x}",
    ),
    ("build: {context: ., target: x}", "build: ./y", "build: {context: ./y, target: x}"),
    (
        "build: {additional_contexts: [a=x], ssh: [default]}",
        "build: {additional_contexts: {b: y}, ssh: {k: v}}",
        "build: {additional_contexts: {a: x, b: y}, ssh: {default: , k: v}}",
    ),
]

JOINED = [
    ("ports: ['80:80']", "ports: ['81:81']", "ports: ['80:80', '81:81']"),
    ("cap_add: [A]", "cap_add: [A, B]", "cap_add: [A, B]"),
    ("group_add: [a]", "group_add: [b, a]", "group_add: [a, b]"),
    ("security_opt: [a=b]", "security_opt: [a=c]", "security_opt: [a=b, a=c]"),
    ("expose: [80]", "expose: ['80', 81]", "expose: ['80', '81']"),
    ("profiles: [a]", "profiles: [b, a]", "profiles: [a, b]"),
    ("links: [b]", "links: [b, 'b:c']", "links: [b, 'b:c']"),
    ("dns: 1.1.1.1", "dns: [2.2.2.2, 1.1.1.1]", "dns: [1.1.1.1, 2.2.2.2]"),
    ("dns: 1.1.1.1", "dns: 2.2.2.2", "dns: [1.1.1.1, 2.2.2.2]"),
    ("dns_search: a", "dns_search: [b]", "dns_search: [a, b]"),
    ("dns_opt: [a]", "dns_opt: [a, b]", "dns_opt: [a, b]"),
    ("tmpfs: /a", "tmpfs: [/a, /b]", "tmpfs: [/a, /b]"),
    ("env_file: a.env", "env_file: [b.env]", "env_file: [a.env, b.env]"),
    (
        "env_file: [a.env]",
        "env_file: {path: a.env, required: false}",
        "env_file: [{path: a.env, required: false}]",
    ),
    ("label_file: a", "label_file: b", "label_file: [a, b]"),
    ("extra_hosts: ['a:1.1.1.1']", "extra_hosts: {a: 2.2.2.2}", "extra_hosts: ['a:1.1.1.1', a=2.2.2.2]"),
    ("extra_hosts: {a: [1.1.1.1, 2.2.2.2]}", "extra_hosts: [a=1.1.1.1]", "extra_hosts: [a=1.1.1.1, a=2.2.2.2]"),
    ("volumes_from: [a]", "volumes_from: [b]", "volumes_from: [a, b]"),
    ("build: {tags: [a]}", "build: {tags: [a, b]}", "build: {tags: [a, b]}"),
    ("build: {extra_hosts: [a=1]}", "build: {extra_hosts: {a: 2}}", "build: {extra_hosts: [a=1, a=2]}"),
    ("build: {cache_from: [a]}", "build: {cache_from: [b, a]}", "build: {cache_from: [a, b]}"),
    (
        "develop: {watch: [{path: a, action: sync}]}",
        "develop: {watch: [{action: sync, path: a}, {path: b, action: sync}]}",
        "develop: {watch: [{path: a, action: sync}, {path: b, action: sync}]}",
    ),
    ("seed: a.sql", "seed: [b.sql]", "seed: [a.sql, b.sql]"),
    ("requires: [a]", "requires: b", "requires: [a, b]"),
    ("x-a: [1]", "x-a: [1, 2]", "x-a: ['1', '2']"),
]

SAME_THING = [
    ("ports: ['8080:80', '81:81']", "ports: ['0.0.0.0:8080:80/tcp']", "ports: ['0.0.0.0:8080:80/tcp', '81:81']"),
    (
        "ports: ['8080:80']",
        "ports: ['127.0.0.1:8080:80', '8080:80/udp', '[::1]:8080:80']",
        "ports: ['8080:80', '127.0.0.1:8080:80', '8080:80/udp', '[::1]:8080:80']",
    ),
    (
        "ports: ['8080:80', 53]",
        "ports: [{target: 80, published: 8080, mode: host}, {target: 53, protocol: udp}]",
        "ports: [{target: 80, published: 8080, mode: host}, '53', {target: 53, protocol: udp}]",
    ),
    ("volumes: ['one:/d', 'two:/e']", "volumes: ['./x:/d:ro']", "volumes: ['./x:/d:ro', 'two:/e']"),
    (
        "volumes: ['one:/d/', /e]",
        "volumes: [{type: tmpfs, target: /e}, {type: bind, source: ., target: /d}]",
        "volumes: [{type: bind, source: ., target: /d}, {type: tmpfs, target: /e}]",
    ),
    (r"volumes: ['c:\x:/d']", r"volumes: ['d:\y:/d']", r"volumes: ['d:\y:/d']"),
    ("devices: ['/a:/b', /c]", "devices: ['/d:/b:r', '/e:/c']", "devices: ['/d:/b:r', '/e:/c']"),
    ("devices: ['/a:/b']", "devices: [{source: /d, target: /b}]", "devices: [{source: /d, target: /b}]"),
    (
        "secrets: [s, t]",
        "secrets: [{source: s, mode: 288}, {source: s, target: t}]",
        "secrets: [{source: s, mode: 288}, t, {source: s, target: t}]",
    ),
    ("configs: [c]", "configs: [{source: d, target: /c}]", "configs: [{source: d, target: /c}]"),
    ("env_file: [a.env, b.env]", "env_file: [{path: a.env}]", "env_file: [{path: a.env}, b.env]"),
]

MARKED = [
    ("ports: ['1:1']", "ports: !reset []", "image: x"),
    ("ports: ['1:1']", "ports: !override ['2:2']", "ports: ['2:2']"),
    ("environment: {A: 1, B: 1}", "environment: {A: !reset null}", "environment: {B: 1}"),
    ("environment: [A=1, B=1]", "environment: {A: !reset null}", "environment: {B: 1}"),
    ("environment: {A: 1, B: 1}", "environment: !override {C: 1}", "environment: {C: 1}"),
    ("labels: {a: 1}", "labels: !override [b=1]", "labels: [b=1]"),
    (
        "deploy: {mode: global, replicas: 2}",
        "deploy: {replicas: !reset 0}",
        "deploy: {mode: global}",
    ),
    ("build: {args: {A: 1, B: 2}}", "build: {args: {A: !reset ''}}", "build: {args: {B: 2}}"),
    ("build: {args: {A: 1}, target: x}", "build: {args: !override {B: 2}}", "build: {args: {B: 2}, target: x}"),
    ("depends_on: [a, b]", "depends_on: !override [c]", "depends_on: [c]"),
    (
        "depends_on: [a, b]",
        "depends_on: {a: !reset null}",
        "depends_on: {b: {condition: service_started, required: true}}",
    ),
    ("networks: {a: {aliases: [x]}}", "networks: {a: {aliases: !override [y]}}", "networks: {a: {aliases: [y]}}"),
    ("command: a", "command: !reset null", "image: x"),
    ("ports: ['1:1']", "ports: [!reset '1:1', '3:3']", "ports: ['1:1', '3:3']"),
    ("restart: always", "develop: {watch: !reset []}", "restart: always\ndevelop: {}"),
]


@pytest.mark.parametrize(("base", "over", "expected"), REPLACED + KEPT + BY_NAME + JOINED + SAME_THING)
def test_a_key_in_two_files(folder: Folder, base: str, over: str, expected: str) -> None:
    assert service(folder, base, over) == said(expected)


@pytest.mark.parametrize(("base", "over", "expected"), MARKED)
def test_reset_and_override(folder: Folder, base: str, over: str, expected: str) -> None:
    found = service(folder, f"image: x\n    {base}", over)
    assert found == {"image": "x"} | said(expected)


def test_what_is_marked_in_the_first_file_is_gone_as_well(folder: Folder) -> None:
    folder.write("compose.yaml", "services: {a: {image: x, ports: !reset ['1:1'], dns: [!reset 1.1.1.1, 2.2.2.2]}}")
    assert merged(folder.path, "compose.yaml")["services"] == {"a": {"image": "x", "dns": ["2.2.2.2"]}}


def test_a_mark_counts_for_the_files_before_it_and_no_others(folder: Folder) -> None:
    for number, ports in enumerate(["['1:1']", "!override ['2:2']", "['3:3']"]):
        folder.write(f"{number}.yaml", f"services: {{a: {{image: x, ports: {ports}}}}}")
    found = merged(folder.path, "0.yaml", "1.yaml", "2.yaml")
    assert found["services"]["a"]["ports"] == ["2:2", "3:3"]


def test_a_whole_service_is_taken_away(folder: Folder) -> None:
    folder.write("compose.yaml", "services: {a: {image: x}, b: {image: y}}")
    folder.write("over.yaml", "services: {a: !reset null, b: !override {image: z}}")
    assert merged(folder.path, "compose.yaml", "over.yaml")["services"] == {"b": {"image": "z"}}


def test_one_file_names_each_thing_once_too(folder: Folder) -> None:
    folder.write(
        "compose.yaml",
        """
        services:
          a:
            volumes: ['one:/d', 'two:/e', 'three:/d']
            ports: ['80:80', '80:80', '81:80']
        """,
    )
    found = merged(folder.path, "compose.yaml")["services"]["a"]
    assert found == {"volumes": ["three:/d", "two:/e"], "ports": ["80:80", "81:80"]}


def test_documents_of_one_file_are_laid_on_one_another(folder: Folder) -> None:
    folder.write(
        "compose.yaml",
        """
        x-a: &a [1]
        services: {a: {image: x, dns: *a}}
        ---
        services: {a: {image: y, dns: !override [2]}, b: {image: z}}
        ---
        """,
    )
    found = merged(folder.path, "compose.yaml")["services"]
    assert found == {"a": {"image": "y", "dns": ["2"]}, "b": {"image": "z"}}


def test_the_top_level(folder: Folder) -> None:
    folder.write(
        "a.yaml",
        """
        name: one
        networks: {n: {labels: [a=1], internal: true}, m: }
        volumes: {v: {labels: {a: 1}, driver_opts: {x: 1}}}
        secrets: {s: {file: a}}
        x-any: {a: 1}
        """,
    )
    folder.write(
        "b.yaml",
        """
        name: two
        networks: {n: {labels: {b: 2}}, m: {driver: bridge}}
        volumes: {v: {labels: [b=2], driver_opts: {y: 2}}, w: }
        secrets: {s: {environment: B}}
        x-any: {b: 2}
        """,
    )
    assert merged(folder.path, "a.yaml", "b.yaml") == {
        "name": "two",
        "networks": {"n": {"labels": {"a": "1", "b": "2"}, "internal": "true"}, "m": {"driver": "bridge"}},
        "volumes": {"v": {"labels": {"a": "1", "b": "2"}, "driver_opts": {"x": "1", "y": "2"}}, "w": None},
        "secrets": {"s": {"file": "a", "environment": "B"}},
        "x-any": {"a": "1", "b": "2"},
    }


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ("[{subnet: a, gateway: x}]", "[{subnet: a, gateway: y}]", [{"subnet": "a", "gateway": "y"}]),
        ("[{subnet: a, gateway: x}]", "[{subnet: a, ip_range: y}]", [{"subnet": "a", "gateway": "x", "ip_range": "y"}]),
        ("[{subnet: a}]", "[{subnet: b}]", [{"subnet": "b"}]),
    ],
)
def test_address_pools_meet_by_subnet(folder: Folder, base: str, over: str, expected: Any) -> None:
    folder.write("a.yaml", f"networks: {{n: {{ipam: {{config: {base}}}}}}}")
    folder.write("b.yaml", f"networks: {{n: {{ipam: {{config: {over}}}}}}}")
    assert merged(folder.path, "a.yaml", "b.yaml")["networks"]["n"]["ipam"]["config"] == expected


def test_things_meet_once_their_variables_are_known(folder: Folder) -> None:
    folder.write("a.yaml", "services: {a: {volumes: ['one:${AT}'], environment: ['${NAME}=1']}}")
    folder.write("b.yaml", "services: {a: {volumes: ['two:/d'], environment: {X: 2}}}")
    found = merged(folder.path, "a.yaml", "b.yaml", environment={"AT": "/d", "NAME": "X"})
    assert found["services"]["a"] == {"volumes": ["two:/d"], "environment": {"X": "2"}}


def test_relative_paths_start_from_the_project_whichever_file_they_are_in(folder: Folder) -> None:
    first = folder.write("compose.yaml", "services: {a: {image: x}}")
    second = folder.write("more/override.yaml", "services: {a: {env_file: a.env, volumes: ['./d:/d']}}")
    folder.write("a.env", "A=1")
    app = folder.load_files(first, second)
    assert [var.name for var in app.services[0].env] == ["A"]
    assert app.directory == str(folder.path)
    assert _bind_sources(app.services[0].run) == [str(folder.path / "d")]


def _bind_sources(run: Any) -> list[str]:
    return [mount.source for mount in run.mounts]


def test_a_directory_that_is_given_is_where_they_start(folder: Folder, tmp_path: Path) -> None:
    file = folder.write("x/compose.yaml", "services: {a: {image: x, env_file: a.env}}")
    folder.write("y/a.env", "A=1")
    app = folder.load_files(file, directory=tmp_path / "y")
    assert [var.name for var in app.services[0].env] == ["A"]
