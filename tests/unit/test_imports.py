"""Client commands import what they need and no more: the layers at run time, where a linter cannot look."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("textual", "docker", "pydantic", "httpx", "starlette", "uvicorn", "watchfiles", "psutil", "asyncio")

PROBE = """
import sys
from devbox.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded_by(directory: Path, *args: str) -> set[str]:
    """The top-level modules that a command has loaded when it ends."""
    env = {**os.environ, "DEVBOX_STATE_HOME": str(directory / "state"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *args], cwd=directory, env=env, capture_output=True, text=True, timeout=60
    )
    return set(done.stderr.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize("command", [("ps",), ("stop",), ("logs",), ("why", "api"), ("events",), ("ls",), ("version",)])
def test_short_commands_load_nothing_heavy(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "devbox.yaml").write_text("name: light\nservices:\n  api:\n    command: sleep 1\n")
    modules = loaded_by(tmp_path, *command)
    assert "devbox" in modules
    assert not modules.intersection(HEAVY)


def test_ps_on_a_running_project_does_not_even_read_the_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "devbox.yaml"
    manifest.write_text("name: light\nservices: {}\n")
    run = tmp_path / "state" / "light" / "run"
    run.mkdir(parents=True)
    (run / "project.json").write_text(f'{{"project": "light", "files": ["{manifest}"], "pid": 1}}')
    assert "yaml" not in loaded_by(tmp_path, "ps")


def test_the_core_is_reachable_without_its_views_and_vendors() -> None:
    code = "import devbox.engine.loop, devbox.plan.reconcile, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in done.stdout.split()}
    assert not modules.intersection({"textual", "docker", "starlette", "uvicorn", "httpx", "yaml"})
