"""Images by digest: as the engine has them, as a real registry says, and words for what neither knows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from devbox.runtimes.docker.digests import pinned
from tests.docker.conftest import docker
from tests.docker.engine import CLIENT
from tests.docker.registry import a_registry
from tests.engine.mesh import Mesh
from tests.engine.test_doctor import place


def images(it: Mesh, *flags: str) -> dict[str, str]:
    """The image of each service as `config` prints it."""
    data = yaml.safe_load(it.ok("config", *flags))
    return {name: each.get("image", "") for name, each in data["services"].items()}


def test_pinned_to_what_is_here_and_to_what_the_registry_has(engine: None, tmp_path: Path) -> None:
    with a_registry(tmp_path / "registry") as registry:
        name = f"{registry}/t7/pinned:1"
        docker("tag", "devbox-test/base", name)
        try:
            docker("push", name)
            (digest,) = json.loads(docker("image", "inspect", "-f", "{{json .RepoDigests}}", name))
            whole = f"{name}@{digest.partition('@')[2]}"
            it = place(
                tmp_path / "mesh",
                f"""
                name: t7pin
                services:
                  web: {{image: "{name}", command: sleep 9, environment: {{A: b}}}}
                  kept: {{image: "{digest}"}}
                  made: {{build: .}}
                """,
            )
            here = images(it, "--resolve-image-digests")
            docker("image", "rm", name)
            there = images(it, "--resolve-image-digests")
            locked = yaml.safe_load(it.ok("config", "--lock-image-digests"))
        finally:
            subprocess.run([CLIENT, "image", "rm", name], capture_output=True)
    assert here["web"] == there["web"] == whole
    assert here["kept"] == digest
    assert locked == {"services": {"kept": {"image": digest}, "web": {"image": whole}}}


def test_what_cannot_be_found_is_told_all_at_once(engine: None, tmp_path: Path) -> None:
    with a_registry(tmp_path / "open") as free, a_registry(tmp_path / "private", private=True) as private:
        it = place(
            tmp_path / "mesh",
            f"""
            name: t7pin
            services:
              a: {{image: "{free}/t7/none:1"}}
              b: {{image: "{private}/t7/none:1"}}
              c: {{image: "t7-made:1", build: .}}
            """,
        )
        done = it.devbox("config", "--resolve-image-digests")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "note: t7-made:1 is built here and has no digest" in done.stderr
    assert f"cannot find {free}/t7/none:1 at {free}: " in done.stderr
    assert f"{free} has no such image: is the name right, and the tag?" in done.stderr
    assert f"cannot find {private}/t7/none:1 at {private}: " in done.stderr
    assert f"You are not logged in at {private}: `docker login {private}`" in done.stderr


def test_without_an_engine_nobody_can_be_asked(tmp_path: Path) -> None:
    it = place(tmp_path, "name: t7pin\nservices: {a: {image: redis}}\n")
    it.env["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    done = it.devbox("config", "--resolve-image-digests")
    assert done.returncode == 3
    assert "no container engine answers" in done.stderr


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("redis", "docker.io/library/redis:latest@sha256:1"),
        ("team/api:2", "docker.io/team/api:2@sha256:1"),
        ("docker.io/redis:7", "docker.io/library/redis:7@sha256:1"),
        ("localhost:5000/api:2", "localhost:5000/api:2@sha256:1"),
        ("ghcr.io/team/api", "ghcr.io/team/api:latest@sha256:1"),
    ],
)
def test_a_whole_name(name: str, expected: str) -> None:
    assert pinned(name, "sha256:1") == expected
