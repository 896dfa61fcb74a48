"""A container that serves until the next one is ready."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.docker.conftest import docker
from tests.engine.callers import Callers
from tests.engine.mesh import Mesh, until
from tests.engine.test_green import SERVER
from tests.engine.test_watch import events, said, save

Make = Callable[..., Mesh]

SERVED = SERVER.replace("os.getpid()", "os.uname().nodename").replace("127.0.0.1", "0.0.0.0")

MANIFEST = """
    name: greenbox
    services:
      api:
        image: devbox-test/python
        command: ["python3", "/srv/server.py"]
        init: true
        environment: {PORT: "8000", VERSION: "1"}
        volumes: ["./srv:/srv:ro"]
        ports: ["8000"]
        health: {http: /, start_period: 5s}
        reload: green
      reader:
        image: devbox-test/python
        command: ["python3", "-c", "import time; time.sleep(3600)"]
        init: true
        environment: {API: "${api.url}"}
"""

RELOADS = int(os.environ.get("DEVBOX_TEST_RELOADS", "3"))


def green(make: Make, manifest: str = MANIFEST) -> Mesh:
    made = make(manifest)
    (made.directory / "srv").mkdir()
    (made.directory / "srv" / "server.py").write_text(SERVED)
    made.ok("up", "-d", "--wait")
    return made


def port_of(mesh: Mesh) -> int:
    return int(mesh.rows()["api"]["Publishers"][0]["PublishedPort"])


def containers() -> list[str]:
    return docker("ps", "-a", "--filter", "label=dev.devbox.project=greenbox", "--format", "{{.Names}}").split()


def one_api() -> bool:
    return sorted(containers()) == ["greenbox-api-1", "greenbox-reader-1"]


def test_no_request_fails_through_saves_of_a_container(mesh: Make) -> None:
    made = green(mesh, MANIFEST.replace("reload: green", "reload: green\n        watch: [./srv]"))
    with Callers(port_of(made)) as callers:
        for number in range(RELOADS):
            save(made, "srv/server.py", f"{SERVED}\n# {number}\n")
            until(lambda n=number: len(events(made, "Reloaded")) == n + 1, 40, "the reload")  # type: ignore[misc]
    assert callers.failures == []
    assert len(callers.answers) == RELOADS + 1, "each container answered"
    until(one_api, what="one container, by its own name")
    made.ok("down", "-v", "-t", "1")
    assert containers() == []


def test_other_containers_dial_the_door(mesh: Make) -> None:
    made = green(mesh)
    url = docker("exec", "greenbox-reader-1", "printenv", "API").strip()
    assert url == f"http://host.docker.internal:{port_of(made)}"
    code = f"import urllib.request; print(urllib.request.urlopen('{url}', timeout=5).read().decode())"
    first = docker("exec", "greenbox-reader-1", "python3", "-c", code)
    made.ok("restart", "api")
    assert docker("exec", "greenbox-reader-1", "python3", "-c", code) != first


def test_a_container_that_does_not_start_leaves_the_old_one_serving(mesh: Make) -> None:
    made = green(mesh)
    with Callers(port_of(made)) as callers:
        (made.directory / "srv" / "server.py").write_text("def broken(:\n    pass\n")
        done = made.devbox("restart", "api")
        assert done.returncode == 1
        assert "the old one serves: the new one exited with 1: SyntaxError" in done.stderr
        until(one_api, what="one container")
    assert callers.failures == []


BUILT = """
    name: greenbox
    services:
      api:
        image: greenbox-api
        build: ./srv
        command: ["python3", "/srv/server.py"]
        init: true
        environment: {PORT: "8000"}
        ports: ["8000"]
        health: {http: /, start_period: 2s, interval: 300ms, retries: 1}
        reload: green
        watch: [./srv]
"""
DOCKERFILE = "FROM devbox-test/python\nCOPY server.py /srv/server.py\n"


@pytest.fixture
def built_image() -> Iterator[None]:
    yield
    subprocess.run(["/usr/bin/docker", "image", "rm", "-f", "greenbox-api"], capture_output=True)


def test_a_build_or_a_probe_that_fails_leaves_the_old_one_serving(mesh: Make, built_image: None) -> None:
    made = mesh(BUILT)
    save(made, "srv/server.py", SERVED)
    save(made, "srv/Dockerfile", DOCKERFILE)
    made.ok("up", "-d", "--wait", limit=120)
    before = made.rows()["api"]["Fingerprint"], docker("inspect", "-f", "{{.Id}}", "greenbox-api-1")

    def fails(times: int, *words: str) -> None:
        until(lambda: len(events(made, "ReloadFailed")) == times, 60, "the failure")
        told = said(made).split("rebuild failed after")[-1]
        assert all(word in told for word in words), told
        until(lambda: containers() == ["greenbox-api-1"], what="one container")
        assert docker("inspect", "-f", "{{.Id}}", "greenbox-api-1") == before[1]

    with Callers(port_of(made)) as callers:
        save(made, "srv/Dockerfile", f"{DOCKERFILE}RUN false\n")
        fails(1, "srv/Dockerfile changed")
        save(made, "srv/Dockerfile", f"{DOCKERFILE}RUN sed -i s/200/503/ /srv/server.py\n")
        fails(2, "the new one is not healthy: ", "503")
        assert "the old one serves: the new one is not healthy: " in made.ok("ps")
        save(made, "srv/Dockerfile", f"{DOCKERFILE}RUN true\n")
        until(lambda: len(events(made, "Reloaded")) == 1, 60, "the reload that mends it")
    assert callers.failures == []
    assert len(callers.answers) == 2


def test_a_supervisor_killed_between_two_containers(mesh: Make) -> None:
    made = green(mesh)
    (made.directory / "srv" / "server.py").write_text(f"import time; time.sleep(2)\n{SERVED}")
    with Callers(port_of(made)) as callers:
        asking = made.spawn("restart", "api")
        until(lambda: "greenbox-api-1-next" in containers(), what="two containers")
        time.sleep(0.5)
        made.supervisor().send_signal(signal.SIGKILL)
        asking.communicate(timeout=20)
        made.ok("up", "-d", "--wait")
        until(one_api, what="one container, by its own name")
    assert callers.failures == []
    assert len(callers.answers) == 2, "the new one took over"
