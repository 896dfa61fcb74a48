"""Files saved beside containers that run: what comes into them, how soon, and what is done besides."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.docker.conftest import docker
from tests.engine.mesh import Mesh, until
from tests.engine.test_watch import events, said, save

Make = Callable[..., Mesh]


def synced(mesh: Make, rule: str, files: dict[str, str], more: str = "") -> Mesh:
    made = mesh(
        f"""
        name: syncbox
        services:
          app:
            image: devbox-test/base
            command: [sh, -c, "echo up; trap 'echo hung up' HUP; while :; do sleep 0.05; done"]
            init: true
            {more}
            watch: [{rule}]
        """
    )
    for name, text in files.items():
        save(made, name, text)
    made.ok("up", "-d", "--wait")
    return made


def inside(*argv: str) -> str:
    done = subprocess.run(["/usr/bin/docker", "exec", "syncbox-app-1", *argv], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def container() -> str:
    return docker("inspect", "--format", "{{.Id}}", "syncbox-app-1").strip()


def test_a_saved_file_is_in_the_container_and_a_deleted_one_is_not(mesh: Make) -> None:
    made = synced(mesh, "{path: ./src, target: /app, ignore: ['*.log']}", {"src/a.py": "1"}, "user: '1000:1000'")
    before = container()
    save(made, "src/deep/er/b.py", "two")
    until(lambda: inside("cat", "/app/deep/er/b.py") == "two", what="the new file")
    assert inside("stat", "-c", "%u:%g", "/app/deep/er/b.py", "/app/deep/er", "/app/deep").split() == ["1000:1000"] * 3
    save(made, "src/x.log", "ignored")
    (made.directory / "src/deep/er/b.py").rename(made.directory / "src/deep/c.py")
    until(lambda: inside("cat", "/app/deep/c.py") == "two", what="the renamed file")
    until(lambda: inside("ls", "/app/deep/er") == "", what="the end of the old name")
    (made.directory / "src/deep/c.py").unlink()
    until(lambda: inside("ls", "/app/deep") in ("", "er"), what="the end of the file")
    assert inside("ls", "/app").split() == ["deep"]
    assert container() == before


def test_each_save_is_in_the_container_when_its_sync_is_told(mesh: Make) -> None:
    made = synced(mesh, "{path: ./src, target: /app}", {"src/a.py": "0"})
    for number in range(5):
        save(made, "src/a.py", f"round {number}")
        until(lambda n=number: len(events(made, "Reloaded")) == n + 1, what="a sync")  # type: ignore[misc]
        assert inside("cat", "/app/a.py") == f"round {number}"


def test_what_was_newer_in_the_container_is_told_of(mesh: Make) -> None:
    made = synced(mesh, "{path: ./src, target: /app}", {"src/a.py": "1"})
    save(made, "src/a.py", "2")
    until(lambda: inside("cat", "/app/a.py") == "2", what="the sync")
    inside("touch", "-d", "2099-01-01", "/app/a.py")
    save(made, "src/a.py", "3")
    until(lambda: "overwrote what was newer in the container: /app/a.py" in said(made), what="the word")


def test_all_there_is_comes_into_a_new_container_with_initial_sync(mesh: Make) -> None:
    files = {"src/a.py": "1", "src/b/c.py": "2", "src/x.log": "no"}
    made = synced(mesh, "{path: ./src, target: /app, initial_sync: true, ignore: ['*.log']}", files)
    until(lambda: inside("cat", "/app/b/c.py") == "2", what="the first container's files")
    before = container()
    made.write(made.manifest.replace("init: true", "init: true\n            environment: {NEW: '1'}"))
    made.ok("up", "-d", "--wait")
    until(lambda: inside("cat", "/app/b/c.py") == "2", what="the second container's files")
    assert container() != before
    assert inside("ls", "/app").split() == ["a.py", "b"]


def test_sync_and_restart(mesh: Make) -> None:
    made = synced(mesh, "{path: ./src, target: /app, action: sync+restart}", {"src/a.py": "1"})
    save(made, "src/a.py", "2")
    until(lambda: bool(events(made, "Reloaded")), what="the restart")
    assert inside("cat", "/app/a.py") == "2"
    assert made.ok("logs", "app", "--no-log-prefix").splitlines() == ["up", "up"]


def test_sync_and_exec_and_a_command_that_fails(mesh: Make) -> None:
    rule = "{path: ./src, target: /app, exec: {command: [sh, -c, 'cp /app/a.py /app/made && ! grep bad /app/a.py']}}"
    made = synced(mesh, rule, {"src/a.py": "1"})
    save(made, "src/a.py", "good")
    until(lambda: inside("cat", "/app/made") == "good", what="the command")
    save(made, "src/a.py", "bad")
    until(lambda: bool(events(made, "ReloadFailed")), what="the failure")
    assert "exited with 1" in said(made)


def test_exec_alone_brings_nothing(mesh: Make) -> None:
    made = synced(mesh, "{path: ./src, exec: [touch, /ran]}", {"src/a.py": "1"})
    save(made, "src/a.py", "2")
    until(lambda: inside("ls", "/ran") == "/ran", what="the command")
    assert inside("ls", "/app") == ""


def test_a_server_that_reloads_itself_gets_its_signal(mesh: Make) -> None:
    made = synced(mesh, "{path: ./src, target: /app, signal: HUP}", {"src/a.py": "1"})
    before = container()
    save(made, "src/a.py", "2")
    until(lambda: "hung up" in made.ok("logs", "app"), what="the signal")
    assert inside("cat", "/app/a.py") == "2"
    assert container() == before


BUILT = """
    name: syncbox
    services:
      app: &app
        image: syncbox-shared
        build: ./src
        init: true
        command: [sleep, "3600"]
        watch: [./src]
      other: *app
"""


@pytest.fixture
def shared_image() -> object:
    yield
    subprocess.run(["/usr/bin/docker", "image", "rm", "-f", "syncbox-shared"], capture_output=True)


def test_an_image_that_two_services_share_is_built_once(mesh: Make, shared_image: object) -> None:
    made = mesh(BUILT)
    save(made, "src/Dockerfile", "FROM devbox-test/base\nCOPY a.txt /a.txt\n")
    save(made, "src/a.txt", "1")
    made.ok("up", "-d", "--wait", limit=120)
    save(made, "src/a.txt", "2")
    until(lambda: {each["service"] for each in events(made, "Reloaded")} == {"app", "other"}, 60, "both")
    for service in ("app", "other"):
        assert docker("exec", f"syncbox-{service}-1", "cat", "/a.txt").strip() == "2"
    builders = [part for each in events(made, "Reloaded") for part in each["body"]["parts"] if part["name"] == "built"]
    assert len({part["seconds"] for part in builders}) == 1, "both tell of the same build"
    save(made, "src/Dockerfile", "FROM devbox-test/base\nRUN false\n")
    until(lambda: bool(events(made, "ReloadFailed")), 60, "the build that fails")
    assert set(made.rows()) == {"app", "other"}
    assert all(row["State"] == "running" for row in made.rows().values())


IGNORES = """
    name: syncbox
    services:
      app:
        image: syncbox-shared
        build: {context: ., dockerfile_inline: FROM devbox-test/base}
        init: true
        command: [sleep, "3600"]
        watch: [{path: ./src, target: /app}]
"""


def test_what_the_build_leaves_out_is_not_synced_either(mesh: Make, shared_image: object) -> None:
    made = mesh(IGNORES)
    # As for a build, patterns start from the top: *.txt means no file in src.
    save(made, ".dockerignore", "# not these\n**/*.log\nsrc/cache\n*.txt\n!src/kept.log\n")
    save(made, "src/a.py", "1")
    made.ok("up", "-d", "--wait", limit=120)
    for name in ("src/x.log", "src/deep/y.log", "src/cache/z.py", "src/kept.log", "src/b.txt", "src/c.py"):
        save(made, name, "2")
    until(lambda: inside("ls", "/app").split() == ["b.txt", "c.py", "kept.log"], what="what is meant")
