"""Entries from files, and where the programs of embedded servers lie."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devbox.catalogue import EntryError, find_server, load_entry, names
from devbox.catalogue.entry import Embedded, Readiness, Server
from devbox.catalogue.programs import major

WHOLE = """\
summary: A store
version: 3
versions: [3, "2.10"]
ports: {main: 700}
container:
  image: store:{version}
  probe: {tcp: 700}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "devbox.d" / "store.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def test_a_projects_own_entry_goes_before_a_built_in_one(tmp_path: Path) -> None:
    write(tmp_path, WHOLE).rename(tmp_path / "devbox.d" / "redis.yaml")
    assert load_entry("redis", [tmp_path]).summary == "A store"
    assert load_entry("redis").summary != "A store"


def test_names_hold_the_projects_own(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    assert "store" in names([tmp_path])
    assert "store" not in names()


def test_versions_need_no_quotes(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    entry = load_entry("store", [tmp_path])
    assert (entry.name, entry.version, entry.versions) == ("store", "3", ("3", "2.10"))


@pytest.mark.parametrize("name", ["nothing", "../load", "", "a/b"])
def test_an_entry_that_does_not_exist(name: str) -> None:
    with pytest.raises(EntryError, match="there is no catalogue entry"):
        load_entry(name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "summary",
            "sumary",
            "devbox.d/store.yaml:1:1: sumary is unknown; known are summary, version, versions, ports, container",
        ),
        ("summary: A store\n", "", "devbox.d/store.yaml:1:1: summary is missing"),
        ("[3", "{a: 3", "devbox.d/store.yaml:3:24: did not find expected ',' or '}'"),
        ('[3, "2.10"]', "3", "devbox.d/store.yaml:3:11: versions must be a list"),
        ("{main: 700}", "{main: x}", "devbox.d/store.yaml:4:15: ports.main must be a whole number"),
        ("{main: 700}", "[700]", "devbox.d/store.yaml:4:8: ports must be a mapping"),
        ("{main: 700}", "{}", "devbox.d/store.yaml:4:8: an entry has at least one port"),
        ("version: 3\n", "version: [3]\n", "devbox.d/store.yaml:2:10: version must be a text"),
        (
            "version: 3\n",
            "version: 3\ngroup: x\n",
            "devbox.d/store.yaml:3:8: group must be one of databases, services, jobs",
        ),
        (
            "store:{version}",
            "store:{verson}",
            "devbox.d/store.yaml:6:10: {verson} stands for nothing in 'store:{verson}'",
        ),
        ("{tcp: 700}", "{}", "devbox.d/store.yaml:7:10: a probe is one of exec, http, log and tcp"),
        ("{tcp: 700}", "{tcp: 700, log: x}", "devbox.d/store.yaml:7:10: a probe is one of exec, http, log and tcp"),
        (
            "{tcp: 700}",
            "{tcp: 700, tpc: 1}",
            "devbox.d/store.yaml:7:21: container.probe.tpc is unknown; known are exec, http",
        ),
        (
            "  probe",
            "  command: [run, '{pw}']\n  probe",
            "devbox.d/store.yaml:7:18: a password in an argument list is seen by everybody: '{pw}'",
        ),
        (WHOLE, "", "devbox.d/store.yaml:1:1: the file is empty"),
        (WHOLE, "- a", "devbox.d/store.yaml:1:1: an entry must be a mapping"),
        (WHOLE, "[" * 50, "devbox.d/store.yaml:1:1: an entry is nested too deeply, or uses aliases"),
        (WHOLE, "a: &a b\nc: *a", "devbox.d/store.yaml:1:1: an entry is nested too deeply, or uses aliases"),
        (WHOLE, "a: 'b", "devbox.d/store.yaml:1:6: found unexpected end of stream"),
        (WHOLE, "#" * 300_000, "devbox.d/store.yaml:1:1: the file is too large for an entry"),
    ],
)
def test_what_is_wrong_with_an_entry(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = WHOLE.replace(old, new)
    if "{pw}" in text:
        text += "settings: {pw: {generated: true}}\n"
    write(tmp_path, text)
    with pytest.raises(EntryError) as caught:
        load_entry("store", [tmp_path])
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("version", "number"),
    [("16", 16), ("16.3", 16), ("7-alpine", 7), ("v2", 2), ("latest", None), ("", None), (None, None)],
)
def test_major(version: str | None, number: int | None) -> None:
    assert major(version) == number


def embedded(*servers: Server) -> Embedded:
    return Embedded("pip install it", servers, ("{bin}/it",), Readiness(tcp=1))


def program(folder: Path, name: str) -> str:
    file = folder / "bin" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return str(file.parent)


def test_a_program_on_path(tmp_path: Path) -> None:
    path = program(tmp_path, "some-server")
    found = find_server(embedded(Server(program="some-server")), "3", path)
    assert found is not None
    assert (found.bin, found.version) == (path, None)
    assert find_server(embedded(Server(program="some-server")), "3", "") is None


def test_a_program_beside_the_python_that_runs(tmp_path: Path) -> None:
    found = find_server(embedded(Server(program=Path(sys.executable).name)), "3", "")
    assert found is not None
    assert found.bin == str(Path(sys.executable).parent)


def test_programs_in_a_package_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "boxed_server"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = find_server(embedded(Server(version="2", module="boxed_server")), "3", "")
    assert found is not None
    assert found.bin == str(package / "bin")
    assert find_server(embedded(Server(version="2", module="boxed_server", bin="other")), "3", "") is None
    assert find_server(embedded(Server(version="2", module="no_such_package")), "3", "") is None


@pytest.mark.parametrize(("wanted", "expected"), [("2", "2.1"), ("5", "4"), ("3.9", "4"), ("latest", "4")])
def test_the_nearest_version_is_taken(tmp_path: Path, wanted: str, expected: str) -> None:
    path = program(tmp_path, "it")
    servers = embedded(Server(program="it"), Server("4", program="it"), Server("2.1", program="it"))
    found = find_server(servers, wanted, path)
    assert found is not None
    assert found.version == expected
