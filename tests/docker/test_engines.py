"""Which engine is meant: by a docker context, with its name in what is said when nobody answers there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from tests.docker.remains import running
from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]

MANIFEST = """
name: t3context
services: {box: {image: devbox-test/base, command: sleep 3600, stop_grace_period: 0s}}
"""


def write_context(folder: Path, name: str, host: str) -> None:
    """A context as `docker context create` writes it."""
    meta = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    about = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
    (meta / "meta.json").write_text(json.dumps(about))


def test_the_current_context_is_honoured_and_named_when_nobody_answers(mesh: Make, tmp_path: Path) -> None:
    folder = tmp_path / "docker"
    write_context(folder, "here", "unix:///var/run/docker.sock")
    write_context(folder, "gone", "unix:///nowhere/d.sock")
    it = mesh(MANIFEST)
    it.env = {key: value for key, value in it.env.items() if key != "DOCKER_HOST"} | {"DOCKER_CONFIG": str(folder)}
    (folder / "config.json").write_text(json.dumps({"currentContext": "gone"}))
    done = it.devbox("up", "-d")
    assert done.returncode == 3, done.stderr
    assert "no container engine answers at unix:///nowhere/d.sock (docker context gone)" in done.stderr
    it.devbox("down")
    (folder / "config.json").write_text(json.dumps({"currentContext": "here"}))
    it.ok("up", "-d")
    assert len(running("t3context")) == 1
