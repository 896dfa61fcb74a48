"""Images from a real registry: pulled with progress, pushed, by every policy, and with the user's own credentials."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docker.conftest import docker
from tests.docker.engine import CLIENT
from tests.docker.registry import NAME, PASSWORD, a_registry
from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]

_PROGRAM = "/bin/busybox"
"""A program that needs nothing else; Debian's `busybox-static`."""


@pytest.fixture
def image() -> Iterator[Callable[[str], str]]:
    """Names of images at a registry; all are gone afterwards."""
    names: list[str] = []

    def name(registry: str) -> str:
        names.append(f"{registry}/t3/it:1")
        return names[-1]

    yield name
    for each in names:
        subprocess.run([CLIENT, "image", "rm", "-f", each], capture_output=True)


def manifest(image: str, more: str = "") -> str:
    about = f"image: {image}, command: /busybox sleep 3600, stop_grace_period: 0s"
    return f"name: t3reg\nservices: {{box: {{{about}{more}}}}}\n"


def build(name: str, folder: Path, *lines: str) -> None:
    """A small image with one program in it, that needs nothing else; with no layer of it kept for other builds."""
    (folder / "Dockerfile").write_text("\n".join(("FROM scratch", "COPY busybox /", *lines)))
    shutil.copy(_PROGRAM, folder)
    subprocess.run(
        [CLIENT, "build", "-q", "-t", name, str(folder)],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        check=True,
        capture_output=True,
    )


def labelled(name: str, folder: Path, label: str) -> None:
    """An image that differs from others by a label, at its registry and not here."""
    folder.mkdir(exist_ok=True)
    build(name, folder, f"LABEL is={label}")
    docker("push", name)
    docker("image", "rm", "-f", name)


def is_here(name: str) -> bool:
    return subprocess.run([CLIENT, "image", "inspect", name], capture_output=True).returncode == 0


def test_pushed_and_pulled_again_each_layer_with_its_bytes(
    mesh: Make, image: Callable[[str], str], tmp_path: Path
) -> None:
    with a_registry(tmp_path / "registry") as registry:
        name = image(registry)
        it = mesh(manifest(name, ", build: ."))
        (it.directory / "noise").write_bytes(os.urandom(5_000_000))
        build(name, it.directory, "COPY noise /")
        pushed = it.devbox("push")
        assert pushed.returncode == 0, pushed.stderr
        assert f"pushing {name}: " in pushed.stderr
        docker("image", "rm", "-f", name)
        it.write(manifest(name))
        done = it.devbox("--progress", "json", "up", "-d")
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        told = [line["body"] for line in lines if line["body"]["is"] == "Progress"]
        pulled = {body["text"].split()[-2] for body in told if body["text"].endswith(" here")}
        assert len(pulled) == 2, told
        assert all(0 <= body["done"] <= body["total"] for body in told if body.get("total"))
        assert told[-1]["done"] == told[-1]["total"] > 5_000_000
        it.ok("down")
        docker("image", "rm", "-f", name)
        done = it.devbox("up", "-d")
        assert all(f"box  pulling {name}: {layer} here" in done.stderr for layer in pulled), done.stderr


def test_pull_policies(mesh: Make, image: Callable[[str], str], tmp_path: Path) -> None:
    with a_registry(tmp_path / "registry") as registry:
        name = image(registry)
        labelled(name, tmp_path / "image", "old")
        it = mesh(manifest(name, ", pull_policy: never"))
        done = it.devbox("up", "-d")
        assert done.returncode == 1
        assert f"image {name} is not here, and pull_policy is never" in done.stderr
        it.write(manifest(name, ", pull_policy: missing"))
        it.ok("up", "-d")
        labelled(name, tmp_path / "image", "new")
        build(name, tmp_path / "image")
        it.ok("up", "-d")
        assert _label("t3reg-box-1") == ""
        it.write(manifest(name, ", pull_policy: always"))
        it.ok("up", "-d")
        assert _label("t3reg-box-1") == "new"
        labelled(name, tmp_path / "image", "newer")
        it.ok("up", "-d")
        assert _label("t3reg-box-1") == "newer"


def _label(container: str) -> str:
    return docker("inspect", "-f", '{{index .Config.Labels "is"}}', container).strip()


def _with_auths(folder: Path, registry: str, password: str) -> dict[str, object]:
    return {"auths": {registry: {"auth": base64.b64encode(f"{NAME}:{password}".encode()).decode()}}}


def _with_helper(folder: Path, registry: str, password: str) -> dict[str, object]:
    _write_helper(folder, registry, password)
    return {"credHelpers": {registry: "t3"}}


def _with_store(folder: Path, registry: str, password: str) -> dict[str, object]:
    _write_helper(folder, registry, password)
    return {"credsStore": "t3", "auths": {registry: {}}}


def _write_helper(folder: Path, registry: str, password: str) -> None:
    """A program that knows one registry, by the protocol of credential helpers."""
    program = folder / "docker-credential-t3"
    known = json.dumps({"ServerURL": registry, "Username": NAME, "Secret": password})
    program.write_text(
        f'#!/bin/sh\nread -r asked\n[ "$1 $asked" = "get {registry}" ] && echo \'{known}\' && exit\n'
        "echo credentials not found in native keychain; exit 1\n"
    )
    program.chmod(0o755)


def test_a_private_registry_by_the_users_own_credentials(
    mesh: Make, image: Callable[[str], str], tmp_path: Path
) -> None:
    config = tmp_path / "docker"
    config.mkdir()
    with a_registry(tmp_path / "registry", private=True) as registry:
        name = image(registry)
        it = mesh(manifest(name, ", build: ."))
        it.env |= {"DOCKER_CONFIG": str(config), "PATH": f"{config}:{it.env['PATH']}"}
        build(name, it.directory)
        refused = it.devbox("push")
        assert refused.returncode == 1
        assert f"cannot push {name} to {registry}: " in refused.stderr
        assert f"You are not logged in at {registry}: `docker login {registry}`" in refused.stderr
        (config / "config.json").write_text(json.dumps(_with_auths(config, registry, PASSWORD)))
        it.ok("push")
        it.write(manifest(name))
        for way in (_with_auths, _with_helper, _with_store):
            docker("image", "rm", "-f", name)
            (config / "config.json").write_text(json.dumps(way(config, registry, "wrong")))
            refused = it.devbox("up", "-d")
            assert refused.returncode == 1
            assert f"cannot pull {name} from {registry}: " in refused.stderr
            assert f"{registry} did not take your credentials for it: `docker login {registry}`" in refused.stderr
            (config / "config.json").write_text(json.dumps(way(config, registry, PASSWORD)))
            it.ok("up", "-d")
            it.ok("rm", "-f", "-s")
        docker("image", "rm", "-f", name)
        it.ok("pull")
        assert is_here(name)


def test_a_helper_that_is_missing_keeps_nobody_from_an_open_registry(
    mesh: Make, image: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "t3-that-is-nowhere"}))
    with a_registry(tmp_path / "registry") as registry:
        name = image(registry)
        labelled(name, tmp_path / "image", "open")
        it = mesh(manifest(name))
        it.env["DOCKER_CONFIG"] = str(tmp_path)
        it.ok("up", "-d")
        it.ok("down")
        docker("image", "rm", "-f", name)
        it.write(manifest(f"{registry}/t3/none:1"))
        refused = it.devbox("up", "-d")
        assert f"{registry} has no such image" in refused.stderr
        assert "names docker-credential-t3-that-is-nowhere, which is not on PATH" in refused.stderr
