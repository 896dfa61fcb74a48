"""A container that serves until the next one is ready."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from tests.docker.conftest import docker
from tests.engine.callers import Callers
from tests.engine.mesh import Mesh, until
from tests.engine.test_green import SERVER

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


def green(make: Make) -> Mesh:
    made = make(MANIFEST)
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


def test_no_request_fails_through_reloads_of_a_container(mesh: Make) -> None:
    made = green(mesh)
    with Callers(port_of(made)) as callers:
        for _ in range(RELOADS):
            made.ok("restart", "api")
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
