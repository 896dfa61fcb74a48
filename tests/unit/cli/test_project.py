"""Which files, variables and profiles a command is about, by its flags, the environment and `.env`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devbox.cli.project import Project, Selection
from devbox.domain.errors import ManifestError
from devbox.domain.spec import ContainerRun


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which is empty."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)


def files(selection: Selection | None = None, **environment: str) -> list[str]:
    found = Project(selection or Selection(), environment=environment).files()
    return [os.path.relpath(file) if str(file) != "-" else "-" for file in found]


def images(selection: Selection | None = None, targets: tuple[str, ...] = (), **environment: str) -> dict[str, str]:
    app = Project(selection or Selection(), environment=environment).load(targets)
    return {service.name: service.run.image for service in app.services if isinstance(service.run, ContainerRun)}


def test_compose_file_names_several(here: Path) -> None:
    write(here, a="", b="", compose="")
    assert files(COMPOSE_FILE="a.yaml:b.yaml") == ["a.yaml", "b.yaml"]
    assert files(COMPOSE_FILE="a.yaml,b.yaml", COMPOSE_PATH_SEPARATOR=",") == ["a.yaml", "b.yaml"]
    assert files(COMPOSE_FILE="b.yaml:") == ["b.yaml"]
    assert files(COMPOSE_FILE="") == ["compose.yaml"]
    assert files(Selection(files=(Path("compose.yaml"),)), COMPOSE_FILE="a.yaml") == ["compose.yaml"]


def test_compose_file_may_stand_in_dot_env(here: Path) -> None:
    write(here, a="services: {a: {image: $TAG}}", b="services: {b: {image: x}}")
    (here / ".env").write_text("COMPOSE_PATH_SEPARATOR=;\nCOMPOSE_FILE='a.yaml;b.yaml'\nTAG=7")
    assert files() == ["a.yaml", "b.yaml"]
    assert images() == {"a": "7", "b": "x"}
    assert files(COMPOSE_FILE="b.yaml", COMPOSE_PATH_SEPARATOR=":") == ["b.yaml"]
    assert files(COMPOSE_DISABLE_ENV_FILE="1") == []


def test_compose_file_may_stand_in_a_file_of_variables_that_is_named(here: Path) -> None:
    write(here, a="", compose="")
    (here / "other.env").write_text("COMPOSE_FILE=a.yaml")
    assert files(Selection(env_files=(Path("other.env"),))) == ["a.yaml"]
    assert files(COMPOSE_ENV_FILES="other.env") == ["a.yaml"]


def test_an_override_comes_along_whatever_it_is_called(here: Path) -> None:
    write(here, **{"compose": "", "docker-compose.override": ""})
    assert files() == ["compose.yaml", "docker-compose.override.yaml"]
    (here / "compose.override.yml").write_text("")
    assert files() == ["compose.yaml", "compose.override.yml"]
    write(here, devbox="")
    assert files() == ["devbox.yaml"]
    (here / "devbox.override.yml").write_text("")
    assert files() == ["devbox.yaml", "devbox.override.yml"]


def test_files_of_variables_in_the_environment(here: Path) -> None:
    write(here, compose="services: {a: {image: '$A-$B'}}")
    (here / ".env").write_text("A=0\nB=0")
    (here / "one.env").write_text("A=1\nB=1")
    (here / "two.env").write_text("B=2")
    assert images() == {"a": "0-0"}
    assert images(COMPOSE_ENV_FILES="one.env, two.env") == {"a": "1-2"}
    assert images(Selection(env_files=(Path("two.env"),)), COMPOSE_ENV_FILES="one.env") == {"a": "-2"}
    assert images(COMPOSE_DISABLE_ENV_FILE="true") == {"a": "-"}


def test_the_dot_env_of_the_working_directory_has_the_last_word(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, compose="services: {a: {image: '$A-$B'}}")
    (here / ".env").write_text("A=project\nB=project")
    below = here / "below"
    below.mkdir()
    (below / ".env").write_text("B=below")
    monkeypatch.chdir(below)
    assert images() == {"a": "project-below"}
    assert images(Selection(directory=here)) == {"a": "project-project"}
    assert images(Selection(files=(Path("../compose.yaml"),))) == {"a": "project-project"}


def test_the_name_may_stand_in_dot_env(here: Path) -> None:
    write(here, compose="name: written\nservices: {a: {image: $COMPOSE_PROJECT_NAME}}")
    assert Project(Selection(), environment={}).name() == "written"
    assert images() == {"a": "written"}
    (here / ".env").write_text("COMPOSE_PROJECT_NAME=quiet")
    assert Project(Selection(), environment={}).name() == "quiet"
    assert images() == {"a": "quiet"}
    assert images(Selection(project="Flag")) == {"a": "flag"}


PROFILES = """
services:
  always: {image: x}
  tool: {image: y, profiles: [tools, other], depends_on: [helper]}
  helper: {image: z, profiles: [tools]}
  far: {image: w, profiles: [far]}
"""


def test_profiles(here: Path) -> None:
    write(here, compose=PROFILES)
    assert list(images()) == ["always"]
    assert list(images(COMPOSE_PROFILES="tools, far")) == ["always", "tool", "helper", "far"]
    assert list(images(Selection(profiles=("far",)), COMPOSE_PROFILES="tools")) == ["always", "far"]
    assert list(images(Selection(profiles=("*",)))) == ["always", "tool", "helper", "far"]
    (here / ".env").write_text("COMPOSE_PROFILES=far")
    assert list(images()) == ["always", "far"]


def test_a_service_that_is_named_brings_its_profiles(here: Path) -> None:
    write(here, compose=PROFILES)
    assert list(images(targets=("tool",))) == ["always", "tool", "helper"]
    assert list(images(targets=("always", "nobody"))) == ["always"]
    assert list(images(Selection(profiles=("far",)), targets=("helper",))) == ["always", "tool", "helper", "far"]


def test_a_dependency_with_another_profile_is_not_brought_along(here: Path) -> None:
    write(here, compose="services: {a: {image: x, profiles: [p], depends_on: [b]}, b: {image: y, profiles: [q]}}")
    with pytest.raises(ManifestError, match="a depends on b, whose profile is not active"):
        images(targets=("a",))
    assert list(images(Selection(profiles=("q",)), targets=("a",))) == ["a", "b"]


def config(given: str, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`devbox config` with a manifest on its standard input."""
    argv = [sys.executable, "-m", "devbox", *args]
    env = {**os.environ, **environment}
    return subprocess.run(argv, input=given, env=env, capture_output=True, text=True, timeout=60)


def test_the_standard_input(here: Path) -> None:
    (here / "a.env").write_text("A=1")
    write(here, over="services: {a: {image: y}}")
    piped = "name: piped\nservices: {a: {image: x, env_file: a.env}}"
    done = config(piped, "-f", "-", "-f", "over.yaml", "config", "--format", "json")
    read = json.loads(done.stdout)
    assert (read["name"], read["services"]["a"]["image"]) == ("piped", "y")
    assert read["services"]["a"]["environment"] == {"A": "1"}


def test_what_is_wrong_in_the_standard_input(here: Path) -> None:
    done = config("services:\n  a: {imge: x}\n", "config", COMPOSE_FILE="-")
    assert done.returncode == 2
    assert done.stderr.splitlines()[:3] == [
        '<stdin>:2:7: the service a has no key "imge"',
        "    2 |   a: {imge: x}",
        "      |       ^^^^",
    ]


def test_a_pipe_is_read_once(here: Path) -> None:
    pipe = here / "pipe.yaml"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("name: piped\nservices: {a: {image: x}}"))
    writer.start()
    project = Project(Selection(files=(pipe,)), environment={})
    assert project.name() == "piped"
    assert [service.name for service in project.load().services] == ["a"]
    writer.join()
