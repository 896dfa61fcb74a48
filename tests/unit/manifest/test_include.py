"""`include`: projects as parts of another one."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from devbox.domain.errors import ManifestError
from devbox.domain.spec import AppSpec, ContainerRun
from tests.unit.manifest.reading import Folder, as_printed, merged


def images(app: AppSpec) -> dict[str, str]:
    return {service.name: service.run.image for service in app.services if isinstance(service.run, ContainerRun)}


def tree(folder: Folder, *names: str, **environment: str) -> Any:
    return merged(folder.path, *(names or ("compose.yaml",)), environment=environment)


def test_the_short_form(folder: Folder) -> None:
    folder.write("db.yaml", "services: {db: {image: x}}\nvolumes: {v: }\nname: other\nx-a: 1")
    folder.write("sub/cache.yaml", "services: {cache: {image: y}}\nnetworks: {n: }\nsecrets: {s: {file: s}}")
    folder.write("compose.yaml", "include: [db.yaml, ./sub/cache.yaml]\nservices: {web: {image: z, depends_on: [db]}}")
    assert tree(folder) == {
        "services": {"web": {"image": "z", "depends_on": ["db"]}, "db": {"image": "x"}, "cache": {"image": "y"}},
        "volumes": {"v": None},
        "networks": {"n": None},
        "secrets": {"s": {"file": "s"}},
    }


def test_a_manifest_of_nothing_else(folder: Folder) -> None:
    folder.write("db.yaml", "services: {db: {image: x}}")
    assert images(folder.load("include: [db.yaml]")) == {"db": "x"}


def test_services_of_all_know_one_another(folder: Folder) -> None:
    folder.write("db.yaml", "services: {db: {image: x, ports: [5432], environment: {W: '${log.host}'}}}")
    folder.write("sub/api.yaml", "services: {api: {image: y, environment: {DB: '${db.url}'}}}")
    app = folder.load(
        """
        include: [db.yaml, sub/api.yaml]
        services: {web: {image: z, depends_on: [api]}, log: {image: l, ports: [1]}}
        """
    )
    needs = {service.name: [need.service for need in service.needs] for service in app.services}
    assert needs == {"web": ["api"], "log": [], "db": ["log"], "api": ["db"]}


def test_paths_start_from_the_directory_of_the_included_project(folder: Folder) -> None:
    folder.write("sub/compose.yaml", "services: {a: {image: x, env_file: a.env, volumes: ['./v:/v']}}")
    folder.write("sub/a.env", "A=1")
    folder.write("b.env", "B=1")
    app = folder.load("include: [sub/compose.yaml]\nservices: {b: {image: y, env_file: b.env, volumes: ['./v:/v']}}")
    by_name = {service.name: service for service in app.services}
    assert [var.name for var in by_name["a"].env] == ["A"]
    assert [var.name for var in by_name["b"].env] == ["B"]
    sources = {service.name: service.run.mounts[0].source for service in app.services}  # type: ignore[union-attr]
    assert sources == {"a": str(folder.path / "sub/v"), "b": str(folder.path / "v")}


def test_the_long_form(folder: Folder) -> None:
    folder.write("sub/compose.yaml", "services: {a: {image: 'x:$TAG', env_file: a.env, labels: {a: 1}}}")
    folder.write("over.yaml", "services: {a: {labels: {b: 2}, env_file: ./over.env}}")
    folder.write("there/a.env", "A=1")
    folder.write("there/over.env", "B=2")
    folder.write("tags.env", "TAG=7")
    folder.write("there/.env", "TAG=8")
    app = folder.load(
        """
        include:
          - path: [sub/compose.yaml, over.yaml]
            project_directory: ./there
            env_file: tags.env
        """
    )
    assert images(app) == {"a": "x:7"}
    assert {var.name: str(var.value) for var in app.services[0].env} == {"A": "1", "B": "2"}


def test_each_project_has_variables_of_its_own_and_the_outer_ones_win(folder: Folder) -> None:
    folder.write(".env", "A=outer\nB=outer")
    folder.write("sub/.env", "A=inner\nC=inner\nD=${A}-${E}")
    folder.write("sub/compose.yaml", "services: {a: {image: '$A-$B-$C-$D', environment: [C, E, F]}}")
    app = folder.load(
        "include: [sub/compose.yaml]\nservices: {b: {image: '$A-$B-$C', environment: [C]}}", environment={"E": "env"}
    )
    assert images(app) == {"a": "outer-outer-inner-outer-env", "b": "outer-outer-"}
    envs = {service.name: {var.name: (str(var.value), var.secret) for var in service.env} for service in app.services}
    assert envs == {"a": {"C": ("inner", True), "E": ("env", False)}, "b": {}}


def test_secrets_and_configs_from_variables_that_only_the_included_project_has(folder: Folder) -> None:
    folder.write("sub/.env", "TOKEN=inner\nOTHER=inner")
    folder.write(
        "sub/compose.yaml",
        """
        services: {a: {image: x, secrets: [s], configs: [c]}}
        secrets: {s: {environment: TOKEN}}
        configs: {c: {environment: OTHER}}
        """,
    )
    app = folder.load("include: [sub/compose.yaml]", environment={"OTHER": "outer"})
    run = app.services[0].run
    assert isinstance(run, ContainerRun)
    assert {each.target: (each.content, each.environment) for each in run.files} == {
        "/run/secrets/s": ("inner", ""),
        "/c": ("outer", "OTHER"),
    }


def test_no_file_of_variables(folder: Folder) -> None:
    folder.write("sub/.env", "A=inner")
    folder.write("sub/compose.yaml", "services: {a: {image: 'x-$A'}}")
    folder.write("devbox.yaml", "include: [{path: sub/compose.yaml, env_file: [/dev/null]}]")
    assert images(folder.load_files(folder.path / "devbox.yaml")) == {"a": "x-"}


def test_included_projects_include_others_from_where_they_are(folder: Folder) -> None:
    folder.write("sub/compose.yaml", "include: [deeper/compose.yaml]\nservices: {a: {image: x}}")
    folder.write("sub/deeper/compose.yaml", "services: {b: {image: 'y-$B', build: .}}")
    folder.write("sub/deeper/.env", "B=1")
    app = folder.load("include: [sub/compose.yaml]")
    assert images(app) == {"a": "x", "b": "y-1"}


def test_paths_with_variables(folder: Folder) -> None:
    folder.write("a/compose.yaml", "services: {a: {image: '$COMPOSE_PROJECT_NAME'}}")
    folder.write(".env", "WHERE=a")
    assert images(folder.load("name: shop\ninclude: ['${WHERE}/compose.yaml']")) == {"a": "shop"}


def test_a_project_that_is_reached_twice(folder: Folder) -> None:
    folder.write("base.yaml", "services: {db: {image: x, ports: ['1:1']}}\nnetworks: {n: {driver: bridge}}")
    folder.write("a.yaml", "include: [base.yaml]\nservices: {a: {image: y}}\nnetworks: {n: {driver: bridge}}")
    folder.write("b.yaml", "include: [base.yaml]\nservices: {b: {image: z}}")
    app = folder.load("include: [a.yaml, b.yaml, base.yaml]")
    assert images(app) == {"a": "y", "db": "x", "b": "z"}


def test_an_overriding_file_can_change_what_is_included(folder: Folder) -> None:
    folder.write("db.yaml", "services: {db: {image: x, ports: ['1:1'], environment: {A: 1}}}")
    folder.write("compose.yaml", "include: [db.yaml]")
    folder.write("compose.override.yaml", "services: {db: {ports: !override ['2:2'], environment: {B: 2}}}")
    found = tree(folder, "compose.yaml", "compose.override.yaml")
    assert found["services"]["db"] == {"image": "x", "ports": ["2:2"], "environment": {"A": "1", "B": "2"}}


def test_a_service_can_extend_an_included_one(folder: Folder) -> None:
    folder.write("db.yaml", "services: {db: {image: x, labels: {a: 1}}}")
    folder.write("compose.yaml", "include: [db.yaml]\nservices: {mine: {extends: db, labels: {b: 2}}}")
    assert tree(folder)["services"]["mine"] == {"image": "x", "labels": {"a": "1", "b": "2"}}


def test_marks_of_an_included_file_stay_in_it(folder: Folder) -> None:
    folder.write("db.yaml", "services: {db: {image: x, ports: !override ['1:1'], dns: !reset [a]}}")
    folder.write("compose.yaml", "include: [db.yaml]")
    folder.write("a.yaml", "services: {db: {ports: ['2:2'], dns: [b]}}")
    assert tree(folder, "a.yaml", "compose.yaml")["services"]["db"] == {
        "image": "x",
        "ports": ["2:2", "1:1"],
        "dns": ["b"],
    }


def test_what_differs_only_in_where_it_starts_from_is_not_the_same(folder: Folder) -> None:
    for name in ("a", "b"):
        folder.write(f"{name}/compose.yaml", "services: {x: {image: i}, y: {build: .}}\nvolumes: {v: }")
    found = folder.errors("include: [a/compose.yaml, b/compose.yaml]")
    assert "the service y is also in b/compose.yaml:1, and says something else there" in found
    assert "service x" not in found


# --- what is wrong

ERRORS = [
    (
        """
        include: [db.yaml]
        services:
          db: {image: y}
        networks: {n: {driver: overlay}}
        """,
        """
        devbox.yaml:3:3: the service db is also in db.yaml:1, and says something else there
            3 |   db: {image: y}
              |   ^^
              hint: Give one another name, or what differs as an override: `path: [included.yaml, override.yaml]`.
        devbox.yaml:4:12: the network n is also in db.yaml:2, and says something else there
            4 | networks: {n: {driver: overlay}}
              |            ^
              hint: Give one another name, or what differs as an override: `path: [included.yaml, override.yaml]`.
        """,
    ),
    (
        """
        include: [nope.yaml, {path: db.yaml, env_file: nope.env}]
        """,
        """
        devbox.yaml:1:11: cannot read nope.yaml: No such file or directory
            1 | include: [nope.yaml, {path: db.yaml, env_file: nope.env}]
              |           ^^^^^^^^^
        devbox.yaml:1:48: cannot read nope.env: No such file or directory
            1 | include: [nope.yaml, {path: db.yaml, env_file: nope.env}]
              |                                                ^^^^^^^^
        """,
    ),
    (
        """
        include: [sub]
        """,
        """
        devbox.yaml:1:11: cannot read sub: Is a directory
            1 | include: [sub]
              |           ^^^
        """,
    ),
    (
        """
        include: [picture.yaml]
        """,
        """
        devbox.yaml:1:11: picture.yaml is not a text file: byte 0x89 in line 1
            1 | include: [picture.yaml]
              |           ^^^^^^^^^^^^
              hint: A manifest is a text file in UTF-8.
        """,
    ),
    (
        """
        include: db.yaml
        """,
        """
        devbox.yaml:1:10: include must be a list, this is a text
            1 | include: db.yaml
              |          ^^^^^^^
              hint: Write `- path`.
        """,
    ),
    (
        """
        include: [[db.yaml], {paht: db.yaml}, {path: []}, {path: {a: b}}, '', 'git@example.org:a.git']
        """,
        """
        devbox.yaml:1:11: an item of include must be a text or a mapping, this is a list
            1 | include: [[db.yaml], {paht: db.yaml}, {path: []}, {path: {a: b}}, '', 'git@example.org:a.git']
              |           ^^^^^^^^^
        devbox.yaml:1:22: include does not say which path
            1 | include: [[db.yaml], {paht: db.yaml}, {path: []}, {path: {a: b}}, '', 'git@example.org:a.git']
              |                      ^^^^^^^^^^^^^^^
              hint: Write `path: other/compose.yaml`.
        devbox.yaml:1:23: include has no key "paht"
            1 | include: [[db.yaml], {paht: db.yaml}, {path: []}, {path: {a: b}}, '', 'git@example.org:a.git']
              |                       ^^^^
              hint: Did you mean path?
        devbox.yaml:1:46: path is an empty list
            1 | include: [[db.yaml], {paht: db.yaml}, {path: []}, {path: {a: b}}, '', 'git@example.org:a.git']
              |                                              ^^
        devbox.yaml:1:58: path must be a text, this is a mapping
            1 | include: [[db.yaml], {paht: db.yaml}, {path: []}, {path: {a: b}}, '', 'git@example.org:a.git']
              |                                                          ^^^^^^
        devbox.yaml:1:67: an item of include must be a text or a mapping, this is an empty text
            1 | include: [[db.yaml], {paht: db.yaml}, {path: []}, {path: {a: b}}, '', 'git@example.org:a.git']
              |                                                                   ^^
        devbox.yaml:1:71: "git@example.org:a.git" is not on this machine
            1 | include: [[db.yaml], {paht: db.yaml}, {path: []}, {path: {a: b}}, '', 'git@example.org:a.git']
              |                                                                       ^^^^^^^^^^^^^^^^^^^^^^^
              hint: Fetch it, and name the copy.
        """,
    ),
    (
        """
        include: [devbox.yaml]
        """,
        """
        devbox.yaml:1:11: devbox.yaml includes itself
            1 | include: [devbox.yaml]
              |           ^^^^^^^^^^^
        """,
    ),
    (
        """
        include: [sub/one.yaml]
        """,
        """
        sub/two.yaml:1:11: files include one another: sub/one.yaml -> sub/two.yaml -> sub/one.yaml
            1 | include: [one.yaml]
              |           ^^^^^^^^
        """,
    ),
    (
        """
        include: ['${NO:?say where}']
        """,
        """
        devbox.yaml:1:12: the variable NO is required and has no value: say where
            1 | include: ['${NO:?say where}']
              |            ^^^^^^^^^^^^^^^^
              hint: Set NO in the environment or in .env.
        """,
    ),
    (
        """
        include: ['${db.host}.yaml']
        """,
        """
        devbox.yaml:1:12: there is no service db for ${db.host}
            1 | include: ['${db.host}.yaml']
              |            ^^^^^^^^^^
        """,
    ),
]


@pytest.mark.parametrize(("text", "expected"), ERRORS)
def test_errors(folder: Folder, monkeypatch: pytest.MonkeyPatch, text: str, expected: str) -> None:
    monkeypatch.chdir(folder.path)
    folder.write("db.yaml", "services: {db: {image: x}}\nnetworks: {n: {driver: bridge}}")
    folder.write("sub/one.yaml", "include: [two.yaml]")
    folder.write("sub/two.yaml", "include: [one.yaml]")
    (folder.path / "picture.yaml").write_bytes(b"\x89PNG")
    assert folder.errors(text) == as_printed(expected)


def test_errors_in_an_included_file_are_told_there(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path)
    folder.write("sub/compose.yaml", "services:\n  a: {image: x, restart: never}\n")
    found = folder.errors("include: [sub/compose.yaml]")
    assert found.splitlines()[0] == 'sub/compose.yaml:2:26: "never" is no restart policy'


def test_a_great_many_ways_to_the_same_file(folder: Folder) -> None:
    for n in range(25):
        folder.write(
            f"{n}.yaml", f"include: [{n + 1}.yaml, ./{n + 1}.yaml, {n + 1}.yaml]\nservices: {{s{n}: {{image: x}}}}"
        )
    folder.write("25.yaml", "services: {end: {image: x}}")
    start = time.process_time()
    assert len(folder.load("include: [0.yaml]").services) == 26
    assert time.process_time() - start < 2


def test_a_long_way_has_an_end(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path)
    for n in range(200):
        folder.write(f"{n}.yaml", f"include: [{n + 1}.yaml]")
    assert "this is included through more than 30 files" in folder.errors("include: [0.yaml]")


def test_a_great_many_files(folder: Folder) -> None:
    for n in range(1001):
        folder.write(f"{n}.yaml", f"services: {{s{n}: {{image: x}}}}")
    found = folder.errors(f"include: [{', '.join(f'{n}.yaml' for n in range(1001))}]")
    assert "these are more files than are read at most" in found


def test_files_share_their_bounds(folder: Folder) -> None:
    for n in range(3):
        folder.write(f"{n}.yaml", f"x-a: [{'x,' * 40_000}]\nservices: {{s{n}: {{image: x}}}}")
    found = folder.errors("include: [0.yaml, 1.yaml, 2.yaml]")
    assert "it comes to more than 100,000 values with what was read before" in found


def test_a_file_of_variables_that_is_a_directory(folder: Folder) -> None:
    folder.write("sub/compose.yaml", "services: {a: {image: x}}")
    os.mkdir(folder.path / "sub/.env")
    assert images(folder.load("include: [sub/compose.yaml]")) == {"a": "x"}
    with pytest.raises(ManifestError, match="Is a directory"):
        folder.load("include: [{path: sub/compose.yaml, env_file: sub}]")
