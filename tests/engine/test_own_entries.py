"""Entries of a project's own: used by name and by path, as those that ship are, and wrong at a line."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.engine.mesh import PYTHON, Mesh

Make = Callable[..., Mesh]
PROGRAM = Path(PYTHON).name

SHELF = f"""\
summary: A shelf of files
version: "2"
versions: ["2", "1"]
ports: {{main: 7000}}
settings:
  word: {{default: "{{service}}", variable: SHELF_WORD}}
exports:
  word: "{{word}}"
  url: "http://${{host}}:${{port}}/{{word}}"
container:
  image: example/shelf:{{version}}
  probe: {{http: ":7000/"}}
embedded:
  install: comes with Python
  servers: [{{program: {PROGRAM}}}]
  environment: {{SHELF_WORD: "{{word}}"}}
  init:
    - {{creates: "{{data}}/files", run: [mkdir, -p, "{{data}}/files"]}}
  command: ["{{bin}}/{PROGRAM}", -m, http.server, --bind, 127.0.0.1, -d, "{{data}}/files", "${{port}}"]
  console: [cat]
  seed:
    .txt: {{run: [cp, "{{file}}", "{{data}}/files/"]}}
  probe: {{http: ":7000/"}}
"""

MANIFEST = """
name: owned
services:
  named: {use: {entry: shelf, word: one.txt}, runtime: process, seed: [one.txt]}
  pathed: {use: ./backing/rack.yaml, runtime: process, environment: {SHELF_WORD: two.txt}, seed: [two.txt]}
  caller:
    command: sleep 1000
    environment: {NAMED: "${named.url}", PATHED: "${pathed.url}"}
"""


def owned(mesh: Make, manifest: str = MANIFEST, rack: str = SHELF) -> Mesh:
    it = mesh(manifest)
    for name, text in (("devbox.d/shelf.yaml", SHELF), ("backing/rack.yaml", rack), ("one.txt", "1"), ("two.txt", "2")):
        (it.directory / name).parent.mkdir(exist_ok=True)
        (it.directory / name).write_text(text)
    return it


def test_they_are_used_by_name_and_by_path(mesh: Make) -> None:
    it = owned(mesh)
    it.ok("up", "-d", "--wait")
    told = dict(line.split("=", 1) for line in it.ok("exec", "-T", "caller", "env").splitlines() if "=" in line)
    for name, word in (("NAMED", "1"), ("PATHED", "2")):
        with urllib.request.urlopen(told[name], timeout=10) as answer:
            assert answer.read().decode() == word
    it.ok("down")
    it.ok("up", "-d", "--wait")
    assert "applied" not in it.ok("events", "--no-follow")
    listed = [json.loads(line) for line in it.ok("catalogue", "--format", "json").splitlines()]
    assert "shelf" in {each["name"] for each in listed}
    assert "A shelf of files" in it.ok("catalogue", "show", "./backing/rack.yaml")


def test_an_error_in_one_is_at_a_line_of_its_file(mesh: Make) -> None:
    it = owned(mesh, rack=SHELF.replace("  console: [cat]", "  consle: [cat]"))
    line = SHELF.splitlines().index("  console: [cat]") + 1
    done = it.devbox("up", "-d")
    assert done.returncode == 2
    assert f"devbox.yaml:5:17: backing/rack.yaml:{line}:3: embedded.consle is unknown" in done.stderr
    (it.directory / "devbox.d" / "shelf.yaml").write_text(SHELF.replace("{word}", "{wrd}"))
    line = SHELF.splitlines().index('  word: "{word}"') + 1
    done = it.devbox("config")
    assert done.returncode == 2
    assert f"devbox.d/shelf.yaml:{line}:9: {{wrd}} stands for nothing in '{{wrd}}'" in done.stderr
    listed = it.devbox("catalogue")
    assert (listed.returncode, "postgres" in listed.stdout) == (2, True)
    assert f"devbox.d/shelf.yaml:{line}:9:" in listed.stderr
