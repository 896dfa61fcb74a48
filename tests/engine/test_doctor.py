"""`devbox doctor` on this machine: what is in the way is named with its holder and what mends it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable

from tests.engine.mesh import SLEEPER, Mesh, script

Make = Callable[..., Mesh]


def test_a_port_that_somebody_holds_is_found_with_its_holder(mesh: Make) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        it = mesh(f'name: ill\nservices:\n  it:\n    command: {script(SLEEPER)}\n    ports: ["{port}:{port}"]\n')
        done = it.devbox("doctor", "--format", "json")
        (bad,) = [each for each in json.loads(done.stdout) if each["what"] == f"port {port} of it"]
    assert done.returncode == 1
    assert f"pid {os.getpid()} (" in bad["seen"]
    assert "devbox.yaml:" in bad["mend"]


def test_a_manifest_with_an_error_is_said(mesh: Make) -> None:
    done = mesh("name: ill\nservices: {it: {comand: x}}\n").devbox("doctor")
    assert done.returncode == 1
    assert "✗ manifest: " in done.stdout
    assert "devbox.yaml:2:" in done.stdout
