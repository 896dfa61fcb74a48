"""An engine that is reached over ssh."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.docker.conftest import docker
from tests.docker.remains import running
from tests.docker.ssh import sshd
from tests.engine.mesh import Mesh, until

Make = Callable[..., Mesh]

MANIFEST = """
name: t3ssh
services:
  box: {image: devbox-test/base, command: sh -c 'echo words; sleep 3600', init: true, stop_grace_period: 0s}
  own: {build: ., command: sleep 3600, init: true, stop_grace_period: 0s}
"""


def tunnels(mesh: Mesh) -> list[psutil.Process]:
    """What carries the supervisor's connections."""
    return [child for child in mesh.supervisor().children(recursive=True) if "cat" in child.cmdline()]


def test_a_mesh_over_ssh_and_over_a_line_that_breaks(mesh: Make, tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as server:
        it = mesh(MANIFEST)
        (it.directory / "Dockerfile").write_text("FROM devbox-test/base\nRUN echo built > /seen\n")
        address = f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}"
        it.env |= {"DOCKER_HOST": address, "PATH": server.path}
        it.ok("up", "-d", "--wait")
        assert len(running("t3ssh")) == 2
        until(lambda: "words" in it.ok("logs", "box"), what="the output")
        assert it.ok("exec", "-T", "box", "echo", "through") == "through\n"
        assert it.devbox("exec", "-T", "box", "sh", "-c", "exit 7").returncode == 7
        assert it.ok("exec", "-T", "own", "cat", "/seen") == "built\n"

        (tunnel,) = tunnels(it)
        tunnel.kill()
        docker("kill", "t3ssh-box-1")
        until(lambda: it.rows()["box"]["State"] == "failed", 30.0, "what happened while the line was cut")
        assert len(tunnels(it)) == 1

        it.ok("down", "--rmi", "local")
        assert running("t3ssh") == set()
        until(lambda: not it.processes(), 30.0, "the end of devbox")


def test_who_is_not_let_in_is_told_what_ssh_says(mesh: Make, tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as server, sshd(tmp_path / "other") as other:
        it = mesh(MANIFEST)
        plain = dict(it.env)
        it.env |= {"DOCKER_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}", "PATH": other.path}
        done = it.devbox("up", "-d")
        assert done.returncode == 3, done.stderr
        assert it.env["DOCKER_HOST"] in done.stderr
        assert "Permission denied" in done.stderr
        it.env = plain


def test_a_supervisor_that_is_killed_takes_its_tunnel_with_it(mesh: Make, tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as server:
        it = mesh("{name: t3ssh, services: {box: {image: devbox-test/base, command: sleep 3600, init: true}}}")
        it.env |= {"DOCKER_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}", "PATH": server.path}
        it.ok("up", "-d", "--wait")
        (tunnel,) = tunnels(it)
        it.supervisor().kill()
        tunnel.wait(20)
        before = running("t3ssh")
        it.ok("up", "-d", "--wait")
        assert running("t3ssh") == before
        it.ok("down", "-t", "0")
