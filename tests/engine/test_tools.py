"""`devbox task`, `init`, `schema` and `completion`, as a user calls them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from devbox.cli.arguments import _COMMANDS
from tests.engine.mesh import DEVBOX, SLEEPER, Mesh, script

Make = Callable[..., Mesh]


def test_a_task_runs_with_the_services_environment_and_its_exit_code_counts(mesh: Make) -> None:
    it = mesh(
        f"""
        name: tasks
        services:
          api:
            command: {script(SLEEPER)}
            ports: ["8000"]
            environment: {{GREETING: hello, OWN: "${{api.port}}"}}
            tasks:
              greet: sh -c 'echo $$GREETING $$0 $$OWN'
              fail: sh -c 'exit 7'
        """
    )
    assert it.devbox("task", "api", "greet").returncode == 4
    it.ok("up", "-d")
    port = it.rows()["api"]["Publishers"][0]["PublishedPort"]
    assert it.ok("task", "api", "greet", "you") == f"hello you {port}\n"
    assert it.devbox("task", "api", "fail").returncode == 7
    wrong = it.devbox("task", "api", "great")
    assert (wrong.returncode, "Did you mean greet?" in wrong.stderr) == (2, True)


FIRST = {
    "Procfile": ("web: serve --port $PORT\nworker: work\n", {"web", "worker"}),
    "package.json": (json.dumps({"name": "@me/shop", "scripts": {"dev": "vite"}}), {"me-shop"}),
    "pyproject.toml": ('[project]\nname = "Shop"\n[project.scripts]\nshop = "shop:main"\n', {"shop"}),
    "go.mod": ("module example.com/me/pricing\n\ngo 1.22\n", {"pricing"}),
    "Dockerfile": ("FROM scratch\nEXPOSE 8080\n", {"project"}),
    "notes.txt": ("nothing that runs", {"hello"}),
}


@pytest.mark.parametrize("name", FIRST)
def test_init_writes_a_manifest_for_what_is_there_and_never_over_another(mesh: Make, name: str) -> None:
    text, services = FIRST[name]
    it = mesh("")
    (it.directory / "devbox.yaml").unlink()
    (it.directory / name).write_text(text)
    it.ok("init")
    written = (it.directory / "devbox.yaml").read_text()
    assert written.startswith("# yaml-language-server: $schema=")
    assert set(json.loads(it.ok("config", "--format", "json"))["services"]) == services
    again = it.devbox("init")
    assert (again.returncode, "there is a devbox.yaml here already" in again.stderr) == (2, True)
    assert (it.directory / "devbox.yaml").read_text() == written


SERVER = "import http.server as h, os; h.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), h.BaseHTTPRequestHandler)"


def test_what_init_writes_for_a_procfile_comes_up(mesh: Make) -> None:
    it = mesh("")
    (it.directory / "devbox.yaml").unlink()
    (it.directory / "server.py").write_text(f"{SERVER}.serve_forever()\n")
    lines = ("web: python server.py", "api: python -m http.server --bind 127.0.0.1 $PORT", "clock: sleep 3600")
    (it.directory / "Procfile").write_text("\n".join(lines))
    it.ok("init")
    it.ok("up", "-d", "--wait")
    rows = it.rows()
    assert {name: bool(row["Publishers"]) for name, row in rows.items()} == {"web": True, "api": True, "clock": False}


def test_what_init_writes_for_python_comes_up(mesh: Make) -> None:
    it = mesh("")
    (it.directory / "devbox.yaml").unlink()
    (it.directory / "app.py").write_text("import time; time.sleep(3600)\n")
    it.ok("init")
    assert "# From app.py." in (it.directory / "devbox.yaml").read_text()
    it.ok("up", "-d", "--wait")
    assert [name for name, row in it.rows().items() if row["State"] == "running"] == ["app"]


def test_the_schema_knows_every_key_of_the_shipped_mesh(mesh: Make) -> None:
    it = mesh("services: {a: {command: x}}")
    schema = json.loads(it.ok("schema"))
    service = schema["properties"]["services"]["additionalProperties"]["properties"]
    data = yaml.safe_load((Path(__file__).parents[2] / "profiles" / "hello" / "devbox.yaml").read_text())
    assert data.keys() <= schema["properties"].keys()
    assert {key for each in data["services"].values() for key in each} <= service.keys()
    compose = json.loads(it.ok("schema", "compose"))
    known = compose["properties"]["services"]["additionalProperties"]["properties"]
    assert "use" not in known
    assert "use" in known["x-devbox"]["properties"]


def test_bash_completes_commands_flags_and_services(mesh: Make) -> None:
    it = mesh("name: comp\nservices: {orders: {command: x}, other: {command: y}}")
    completion = it.ok("completion", "bash")

    def completed(*words: str) -> set[str]:
        line = " ".join(f'"{word}"' for word in ("devbox", *words))
        program = (
            f'{completion}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}; _devbox; printf "%s\\n" "${{COMPREPLY[@]}}"'
        )
        shim = f'devbox() {{ {" ".join(DEVBOX)} "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-c", shim + program], cwd=it.directory, env=it.env, capture_output=True, text=True, check=True
        )
        return set(done.stdout.split())

    assert completed("") == set(_COMMANDS)
    assert completed("re") == {name for name in _COMMANDS if name.startswith("re")}
    assert completed("restart", "or") == {"orders"}
    assert "--tail" in completed("logs", "--t")
    for shell in ("zsh", "fish"):
        assert "devbox" in it.ok("completion", shell)
