"""`use:`: an entry of the catalogue in place of a command or an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from devbox.domain.spec import ContainerRun, Group, Need, Port, ProcessRun, Restart, RestartPolicy
from tests.unit.manifest.reading import Folder, as_printed

ENTRY = """
    summary: A store
    group: databases
    version: "3"
    versions: ["3", "2"]
    ports: {main: 700, admin: 701}
    settings:
      user: {default: me, variable: STORE_USER}
      password: {generated: true, variable: STORE_PASSWORD}
    exports:
      user: "{user}"
      url: "store://{user}:{password:url}@${host}:${port}"
      admin_url: "http://${host}:${port.701}"
    container:
      image: store:{version}
      environment: {STORE_USER: "{user}", STORE_PASSWORD: "{password}"}
      data: /data
      probe: {exec: [ask]}
    embedded:
      install: pip install store
      servers: [{version: "2", program: store-server}]
      command: ["{bin}/store-server", "--dir={data}", "--port=${port}"]
      environment: {PASS: "{password}"}
      probe: {tcp: 700}
"""


@pytest.fixture
def store(folder: Folder) -> Folder:
    """A project with an entry of its own, whose server is not installed."""
    folder.write("devbox.d/store.yaml", ENTRY)
    return folder


def install(folder: Folder) -> None:
    program = folder.write("bin/store-server", "#!/bin/sh\n")
    program.chmod(0o755)
    folder.environment = {"PATH": str(program.parent)}


def test_a_container_where_an_engine_answers(store: Folder) -> None:
    install(store)
    store.engine = lambda: True
    service = store.service("services: {db: {use: 'store:2.5'}}", "db")
    assert service.run == ContainerRun("store:2.5", (), None, "/data")
    assert {var.name: (str(var.value), var.secret) for var in service.env} == {
        "STORE_USER": ("me", False),
        "STORE_PASSWORD": ("generated-db-password", True),
    }
    assert service.ports == (Port(700), Port(701))
    assert service.group is Group.DATABASE


def test_a_process_where_none_does(store: Folder) -> None:
    install(store)
    service = store.service("services: {db: {use: store}}", "db")
    assert isinstance(service.run, ProcessRun)
    assert [str(word) for word in service.run.argv] == [
        f"{store.path}/bin/store-server",
        "--dir=/data/db",
        "--port=${db.port}",
    ]
    assert service.run.data_dir == "/data/db"
    assert service.run.working_dir == str(store.path)


def test_runtime_pins_the_choice_and_the_engine_is_not_asked(store: Folder) -> None:
    def engine() -> bool:
        raise AssertionError("asked")

    install(store)
    store.engine = engine
    assert store.service("services: {db: {use: store, runtime: process}}", "db").runtime == "process"
    assert store.service("services: {db: {use: store, runtime: docker}}", "db").runtime == "docker"
    assert store.service("services: {db: {image: x}}", "db").runtime == "docker"


def test_the_engine_is_asked_once(store: Folder) -> None:
    asked = []

    def engine() -> bool:
        asked.append(1)
        return True

    store.engine = engine
    store.load("services: {a: {use: store}, b: {use: store}, c: {use: store}}")
    assert asked == [1]


def test_another_version_than_asked_for_is_noted(store: Folder) -> None:
    install(store)
    app = store.load("services: {db: {use: 'store:3', runtime: process}, other: {use: store, runtime: process}}")
    assert app.notes == ("db: store 2 runs embedded, 3 was asked for",)


def test_not_installed(store: Folder) -> None:
    store.environment = {"PATH": ""}
    assert store.errors("services:\n  a: {use: store}\n  b: {use: store, runtime: process}\n") == as_printed(
        """
        devbox.yaml:2:12: no container engine answers, and store is not installed to run as a process
            2 |   a: {use: store}
              |            ^^^^^
              hint: Run: pip install store (or start a container engine)
        devbox.yaml:3:12: store is not installed to run as a process
            3 |   b: {use: store, runtime: process}
              |            ^^^^^
              hint: Run: pip install store
        """
    )


def test_no_embedded_form(store: Folder) -> None:
    store.write("devbox.d/store.yaml", ENTRY.partition("    embedded:")[0])
    assert store.errors("services:\n  a: {use: store}\n  b: {use: store, runtime: process}\n") == as_printed(
        """
        devbox.yaml:2:12: no container engine answers, and store has no embedded form
            2 |   a: {use: store}
              |            ^^^^^
              hint: Start a container engine.
        devbox.yaml:3:12: store has no embedded form
            3 |   b: {use: store, runtime: process}
              |            ^^^^^
              hint: Leave out `runtime: process`.
        """
    )


def test_a_broken_entry_is_told_where_it_is_used(store: Folder) -> None:
    store.write("devbox.d/store.yaml", "summary: x\n")
    assert store.errors("services: {a: {use: store}}") == as_printed(
        """
        devbox.yaml:1:21: devbox.d/store.yaml:1:1: version is missing
            1 | services: {a: {use: store}}
              |                     ^^^^^
        """
    )


def test_an_entry_by_its_path(folder: Folder) -> None:
    folder.write("own/thing.yaml", ENTRY)
    folder.engine = lambda: True
    service = folder.service("services: {db: {use: ./own/thing.yaml:9}}", "db")
    assert service.run == ContainerRun("store:9", (), None, "/data")


@pytest.mark.parametrize(
    "written",
    [
        "use: {entry: store, user: 'a@b', password: 'p/w'}",
        "use: store, environment: {STORE_USER: 'a@b', STORE_PASSWORD: 'p/w'}",
    ],
)
def test_settings(store: Folder, written: str) -> None:
    store.engine = lambda: True
    service = store.service(f"services: {{db: {{{written}}}}}", "db")
    exports = {name: str(value) for name, value in service.exports}
    assert exports["user"] == "a@b"
    assert exports["url"] == "store://a@b:p%2Fw@${db.host}:${db.port}"


def test_the_manifest_has_the_last_word(store: Folder) -> None:
    store.engine = lambda: True
    keys = "use: store, ports: ['7000:700', 90], restart: always, command: [x], health: {tcp: 701}, image: mine"
    service = store.service(f"services: {{db: {{{keys}}}}}", "db")
    assert service.ports == (Port(700, 7000), Port(701), Port(90))
    assert service.restart == Restart(RestartPolicy.ALWAYS)
    assert isinstance(service.run, ContainerRun)
    assert (service.run.image, [str(word) for word in service.run.argv]) == ("mine", ["x"])


def test_references_to_its_exports(store: Folder) -> None:
    store.engine = lambda: True
    text = """
        services:
          db: {use: store}
          web:
            command: x
            environment: {A: "${db.url}", B: "${db.user}", C: "jdbc:${db.admin_url}", D: "${db.port.701}"}
    """
    service = store.service(text)
    assert service.needs == (Need("db"),)
    # An address with a password in it is one wherever it goes.
    assert {var.name: var.secret for var in service.env} == {"A": True, "B": False, "C": False, "D": False}


def test_an_unknown_export(store: Folder) -> None:
    store.engine = lambda: True
    text = 'services:\n  db: {use: store}\n  web: {command: "x ${db.admin}"}\n'
    assert store.errors(text) == as_printed(
        """
        devbox.yaml:3:21: db does not export admin
            3 |   web: {command: "x ${db.admin}"}
              |                     ^^^^^^^^^^^
              hint: Did you mean admin_url?
        """
    )


def test_the_working_directory_of_the_process_can_be_said(store: Folder) -> None:
    install(store)
    service = store.service("services: {db: {use: store, working_dir: sub}}", "db")
    assert isinstance(service.run, ProcessRun)
    assert Path(service.run.working_dir) == store.path / "sub"
