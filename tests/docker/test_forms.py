"""A service that is a container, then a process of this machine, then a container again, while the mesh runs."""

from __future__ import annotations

import signal
import urllib.request
from collections.abc import Callable

from tests.docker.conftest import docker
from tests.docker.test_green import SERVED
from tests.engine.mesh import PYTHON, Mesh, until

MANIFEST = f"""
    name: formed
    services:
      web:
        image: devbox-test/python
        command: ["python3", "/srv/server.py"]
        init: true
        environment: {{PORT: "8000"}}
        volumes: ["./srv:/srv:ro"]
        ports: ["8000"]
        health: {{http: /}}
        local:
          command: ["{PYTHON}", "server.py"]
          working_dir: ./srv
          environment: {{PORT: "${{web.port}}"}}
      reader:
        image: devbox-test/python
        command: ["python3", "-c", "import time; time.sleep(3600)"]
        init: true
        environment: {{WEB: "${{web.url}}"}}
"""


def asked_by_reader(expected: str) -> bool:
    code = "import os, urllib.request; print(urllib.request.urlopen(os.environ['WEB'], timeout=5).read().decode())"
    return docker("exec", "formed-reader-1", "python3", "-c", code).strip() == expected


def test_a_service_is_switched_between_its_forms_and_everybody_finds_it(mesh: Callable[..., Mesh]) -> None:
    made = mesh(MANIFEST)
    (made.directory / "srv").mkdir()
    (made.directory / "srv" / "server.py").write_text(SERVED.replace("os.uname().nodename", "str(os.getppid() > 1)"))
    made.ok("up", "-d", "--wait")
    port = made.rows()["web"]["Publishers"][0]["PublishedPort"]
    assert docker("exec", "formed-reader-1", "printenv", "WEB").strip() == "http://web:8000"

    made.ok("run-local", "web")
    made.ok("up", "-d", "--wait")
    row = made.rows()["web"]
    assert row["Runtime"] == "process"
    assert row["Publishers"][0]["PublishedPort"] == port
    urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
    assert docker("exec", "formed-reader-1", "printenv", "WEB").strip() == f"http://host.docker.internal:{port}"
    until(lambda: asked_by_reader("True"), what="an answer to the reader")

    made.supervisor().send_signal(signal.SIGKILL)
    made.ok("up", "-d", "--wait")
    assert made.rows()["web"]["Runtime"] == "process", "a new supervisor knows the choice"

    made.ok("run-container", "web")
    made.ok("up", "-d", "--wait")
    assert made.rows()["web"]["Runtime"] == "docker"
    assert docker("exec", "formed-reader-1", "printenv", "WEB").strip() == "http://web:8000"
    refused = made.devbox("run-local", "reader")
    assert refused.returncode == 2
    assert "reader can run in one way only" in refused.stderr
    assert "`devbox run-local reader -- COMMAND`" in refused.stderr


OTHER = """
    name: formed
    services:
      web:
        image: devbox-test/python
        command: ["python3", "/srv/server.py"]
        init: true
        environment: {PORT: "8000", GREETING: "hello"}
        volumes: ["./srv:/srv:ro"]
        ports: ["8000"]
        health: {http: /}
      reader:
        image: devbox-test/python
        command: ["python3", "-c", "import time; time.sleep(3600)"]
        init: true
        environment: {WEB: "${web.url}"}
      apart:
        image: devbox-test/base
        command: [sleep, "3600"]
        init: true
"""


def test_a_command_is_run_in_a_containers_place_with_the_mesh_around_it(mesh: Callable[..., Mesh]) -> None:
    made = mesh(OTHER)
    (made.directory / "srv").mkdir()
    tells = SERVED.replace(
        "os.uname().nodename", "' '.join((os.environ['GREETING'], os.environ['LEVEL'], os.getcwd()))"
    )
    (made.directory / "srv" / "server.py").write_text(
        tells.replace("os.environ['LEVEL']", "os.environ.get('LEVEL', '')")
    )
    made.ok("up", "-d", "--wait")
    port = made.rows()["web"]["Publishers"][0]["PublishedPort"]
    apart = docker("inspect", "--format", "{{.Id}}", "formed-apart-1")

    here = ("-e", "LEVEL=debug", "-e", "PORT=${web.port}", "web", "--", PYTHON, "srv/server.py")
    made.ok("run-local", *here)
    made.ok("up", "-d", "--wait")
    assert made.rows()["web"]["Runtime"] == "process"
    assert made.rows()["web"]["Publishers"][0]["PublishedPort"] == port
    said = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read().decode()
    assert said == f"hello debug {made.directory}"
    assert docker("exec", "formed-reader-1", "printenv", "WEB").strip() == f"http://host.docker.internal:{port}"
    until(lambda: asked_by_reader(said), what="an answer to the reader")
    assert docker("inspect", "--format", "{{.Id}}", "formed-apart-1") == apart, "who does not refer to it goes on"

    made.ok("run-container", "web")
    made.ok("up", "-d", "--wait")
    assert made.rows()["web"]["Runtime"] == "docker"
    assert docker("exec", "formed-reader-1", "printenv", "WEB").strip() == "http://web:8000"
    until(lambda: asked_by_reader("hello  /"), what="an answer of the container")
