"""Finding files, merging them, and what the project is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from devbox.domain.errors import ManifestError
from devbox.domain.spec import ContainerRun, Need, Port, ProcessRun, Until
from devbox.manifest import find, load, project_name
from devbox.manifest.locate import NAMES
from tests.unit.manifest.reading import Folder


@pytest.mark.parametrize("position", range(len(NAMES)))
def test_the_first_of_the_names_is_found(folder: Folder, position: int) -> None:
    for name in NAMES[position:]:
        folder.write(name, "")
    assert find(folder.path) == (folder.path / NAMES[position],)


def test_parents_are_searched_and_an_override_comes_along(folder: Folder) -> None:
    folder.write("compose.yml", "")
    folder.write("compose.override.yml", "")
    below = folder.path / "a" / "b"
    below.mkdir(parents=True)
    assert find(below) == (folder.path / "compose.yml", folder.path / "compose.override.yml")


def test_a_directory_is_no_manifest(folder: Folder) -> None:
    (folder.path / "devbox.yaml").mkdir()
    folder.write("a/compose.yaml", "")
    assert find(folder.path / "a") == (folder.path / "a" / "compose.yaml",)


# --- names


def named(folder: Folder, text: str, project: str | None = None, environment: dict[str, str] | None = None) -> str:
    file = folder.write("My.Shop_1/devbox.yaml", text)
    found = project_name([file], project=project, environment=environment or {})
    service = "services: {a: {image: x}}\n"
    if "services" not in text and not text.startswith("{"):
        whole = folder.write("My.Shop_1/devbox.yaml", f"{text}\n{service}")
        app = load(
            [whole], project=project, environment=environment or {}, secrets=lambda a, b: "", data_dir=lambda a: ""
        )
        assert app.project == found
    return found


def test_the_directory_gives_the_name(folder: Folder) -> None:
    assert named(folder, "") == "myshop_1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: shop", "shop"),
        ("name: 'My Shop' # it is", "myshop"),
        ('x-a: 1\nname: "shop"', "shop"),
        ("name: ${STAGE}-shop", "test-shop"),
        ("x-n: &n shop\nname: *n", "shop"),
        ("{name: shop, services: {a: {image: x}}}", "shop"),
        ("---\nname: shop", "shop"),
        ("name: --Shop", "shop"),
        ("name: my\n  shop\nx-a: 1", "myshop"),
        ("x-name: a\nname: shop", "shop"),
        ("name: ''", "myshop_1"),
    ],
)
def test_the_manifest_gives_the_name(folder: Folder, text: str, expected: str) -> None:
    assert named(folder, text, environment={"STAGE": "test"}) == expected


def test_the_environment_and_the_flag_win(folder: Folder) -> None:
    environment = {"COMPOSE_PROJECT_NAME": "from-env"}
    assert named(folder, "name: shop", environment=environment) == "from-env"
    assert named(folder, "name: shop", "flag", environment) == "flag"


def test_dot_env_can_give_the_name(folder: Folder) -> None:
    folder.write("My.Shop_1/.env", "COMPOSE_PROJECT_NAME=quiet")
    assert named(folder, "name: shop") == "quiet"


def test_a_broken_manifest_has_a_name_too(folder: Folder) -> None:
    assert project_name([folder.write("devbox.yaml", "name: shop\nservices: [")], environment={}) == "shop"
    assert project_name([folder.path / "a" / "missing.yaml"], environment={}) == "a"


# --- several files


def test_later_files_override_earlier_ones(folder: Folder) -> None:
    app = folder.load(
        """
        services:
          web:
            command: [one, two]
            environment: [A=1, B=1]
            ports: [8000]
            depends_on: [db]
          db: {image: x}
        """,
        """
        services:
          web:
            command: three
            environment: {B: 2, C: 2}
            ports: [8000, 9000]
            depends_on: {db: {condition: service_healthy}}
            restart: always
          extra: {image: y}
        """,
    )
    web = app.services[0]
    assert [service.name for service in app.services] == ["web", "db", "extra"]
    assert isinstance(web.run, ProcessRun)
    assert [str(word) for word in web.run.argv] == ["three"]
    assert {var.name: str(var.value) for var in web.env} == {"A": "1", "B": "2", "C": "2"}
    assert web.ports == (Port(8000), Port(9000))
    assert web.needs == (Need("db", Until.READY),)
    assert len(app.files) == 2


def test_reset_and_override(folder: Folder) -> None:
    app = folder.load(
        "services: {web: {image: x, ports: ['1:1'], environment: {A: 1, B: 1}, stop_signal: INT}}",
        "services: {web: {ports: !override ['2:2'], environment: {A: !reset null}, stop_signal: !reset ''}}",
    )
    web = app.services[0]
    assert web.ports == (Port(2, 2),)
    assert [var.name for var in web.env] == ["B"]
    assert web.stop.signal == "SIGTERM"


def test_errors_in_a_later_file_point_there(folder: Folder) -> None:
    found = folder.errors("services: {web: {image: x}}", "services:\n  web:\n    restart: never\n")
    assert found.splitlines()[0] == 'over0.devbox.yaml:3:14: "never" is no restart policy'


def test_an_alias_and_a_merge_key(folder: Folder) -> None:
    app = folder.load(
        """
        x-common: &common {image: x, environment: {A: 1}}
        services:
          a: {<<: *common, restart: always}
          b: {<<: [*common, {image: z}], environment: {B: 2}}
        """
    )
    assert [getattr(service.run, "image", "") for service in app.services] == ["x", "x"]
    assert [[var.name for var in service.env] for service in app.services] == [["A"], ["B"]]


# --- files that cannot be read


def test_no_file_at_all() -> None:
    with pytest.raises(ManifestError, match="there is no manifest here"):
        load([], environment={}, secrets=lambda a, b: "", data_dir=lambda a: "")


def test_a_missing_file_and_a_directory(folder: Folder) -> None:
    with pytest.raises(ManifestError) as caught:
        load(
            [folder.path / "no.yaml", folder.path],
            environment={},
            secrets=lambda a, b: "",
            data_dir=lambda a: "",
        )
    assert [problem.message for problem in caught.value.problems] == [
        f"cannot read {folder.path}/no.yaml: No such file or directory",
        f"cannot read {folder.path}: Is a directory",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n", "not a text file: byte 0x89 in line 1"),
        (b"a: 1\nb: \x00", "not a text file: character 0x0 in line 2"),
        (b"#" * (4 * 1024**2 + 1), "larger than the 4 MB that are read at most"),
        (b"[" * 5000, "not readable as YAML: it is nested deeper than 100 levels"),
        (b"a: [" + b"x," * 100_001 + b"]", "not readable as YAML: it comes to more than 100,000 values, each alias"),
    ],
)
def test_files_in_any_state(folder: Folder, data: bytes, message: str) -> None:
    file = folder.path / "devbox.yaml"
    file.write_bytes(data)
    with pytest.raises(ManifestError) as caught:
        load([file], environment={}, secrets=lambda a, b: "", data_dir=lambda a: "")
    assert message in str(caught.value).replace("0x00", "0x0")


def test_an_alias_bomb(folder: Folder) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "more than 100,000 values" in folder.errors("\n".join(lines))


def test_windows_line_ends_a_byte_order_mark_and_utf_16(folder: Folder) -> None:
    file = folder.path / "devbox.yaml"
    for data in (b"\xef\xbb\xbfservices:\r\n  a: {image: x}\r\n", "services: {a: {image: x}}".encode("utf-16")):
        file.write_bytes(data)
        app = load([file], environment={}, secrets=lambda a, b: "", data_dir=lambda a: "")
        assert [service.name for service in app.services] == ["a"]


def test_a_great_many_problems_are_not_told_to_the_last(folder: Folder) -> None:
    text = "services:\n" + "".join(f"  s{n}: {{imge: x}}\n" for n in range(500))
    assert folder.errors(text).splitlines()[0] == "devbox.yaml: more than 100 problems; the rest is not shown"


def test_paths_are_absolute(folder: Folder) -> None:
    app = folder.load("services: {a: {image: x}}")
    assert app.files == (str(folder.path / "devbox.yaml"),)
    assert Path(app.directory) == folder.path


def test_an_empty_file_beside_another_one_says_nothing(folder: Folder) -> None:
    folder.write("db.yaml", "# nothing yet\n")
    app = folder.load("include: [db.yaml]\nservices: {a: {image: x}}", "# later", "---\n")
    assert [service.name for service in app.services] == ["a"]
    found = folder.errors("# nothing", "")
    assert found.splitlines()[0] == "devbox.yaml: the file is empty"


def test_entries_of_an_included_project(folder: Folder) -> None:
    folder.write("sub/devbox.d/mine.yaml", "what: [no, entry]")
    folder.write("sub/devbox.yaml", "services: {db: {use: mine}}")
    assert "there is no catalogue entry" not in folder.errors("include: [sub/devbox.yaml]")


def test_the_home_of_nobody_is_a_directory_of_that_name(folder: Folder) -> None:
    text = """
        services:
          web: {image: x, secrets: [key], volumes: ["~no.one/a:/a"], build: ~no.one/b, working_dir: /app}
          db: {use: "postgres:16", runtime: docker, seed: ~no.one/c}
        secrets: {key: {file: ~no.one/d}}
        """
    folder.write("~no.one/c/1.sql", "select 1;")
    folder.engine = lambda: True
    run = folder.service(text).run
    assert isinstance(run, ContainerRun)
    assert run.build is not None
    assert [each.source for each in run.mounts] == [f"{folder.path}/~no.one/a"]
    assert run.build.context == f"{folder.path}/~no.one/b"
    assert [each.file for each in run.files] == [f"{folder.path}/~no.one/d"]
