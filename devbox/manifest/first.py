"""A first manifest, from what a directory holds: Procfile, package.json, pyproject.toml, go.mod or Dockerfile."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

_HEADER = """\
# yaml-language-server: $schema=./.devbox.schema.json
# (`devbox schema > .devbox.schema.json` writes that file; editors then complete and check this one.)
#
# Any Compose file is a devbox manifest; this one uses what devbox adds as well.
"""
_FOOTER = """\

  # A database, in Docker where an engine answers, else on this machine:
  # db:
  #   use: postgres
  #
  # Another service refers to it, starts once it is healthy, and dials the right address wherever either of them runs:
  #   environment:
  #     DATABASE_URL: ${db.url}
"""
_LONGEST = 64 * 1024
_PROCFILE = re.compile(r"^([A-Za-z0-9_-]+):[ \t]*(.+)$", re.MULTILINE)
_ASKS_FOR_PORT = re.compile(r"\$\{?PORT\b")
_NAME = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class _Found:
    """A service that something here speaks of. `lines` are what the manifest says of it."""

    name: str
    lines: tuple[str, ...]
    source: str


def first_manifest(directory: Path) -> tuple[str, str]:
    """The text of a manifest, and what it was made from, in words; empty where nothing here told anything."""
    looks = (_procfile, _package, _pyproject, _go, _dockerfile)
    found = next((services for look in looks if (services := look(directory))), [])
    services = found or [_Found("hello", _command("hello", "while :; do echo hello; sleep 1; done"), "")]
    body = "\n\n".join(_service(each) for each in services)
    name = _name(directory.absolute().name) or "project"
    return f"{_HEADER}name: {name}\n\nservices:\n{body}\n{_FOOTER}", found[0].source if found else ""


def _service(found: _Found) -> str:
    lines = "\n".join(f"    {line}" for line in found.lines)
    comment = f"  # From {found.source}.\n" if found.source else ""
    return f"{comment}  {found.name}:\n{lines}"


def _procfile(directory: Path) -> list[_Found]:
    lines = [(_name(name) or "app", command) for name, command in _PROCFILE.findall(_text(directory / "Procfile"))]
    # Whoever runs a Procfile gives its `web` a port, and tells it in PORT.
    return [_Found(name, _command(name, command, listens=name == "web"), "the Procfile") for name, command in lines]


def _package(directory: Path) -> list[_Found]:
    try:
        package = json.loads(_text(directory / "package.json") or "{}")
        scripts = package.get("scripts") or {}
    except (ValueError, AttributeError):
        return []
    script = next((name for name in ("dev", "start", "serve") if name in scripts), None)
    if script is None:
        return []
    name = _name(str(package.get("name") or "")) or "web"
    return [_Found(name, (*_command(name, f"npm run {script}"), *_where_it_listens(name)), "package.json")]


def _pyproject(directory: Path) -> list[_Found]:
    try:
        project = tomllib.loads(_text(directory / "pyproject.toml")).get("project") or {}
        scripts = list(project.get("scripts") or {})
    except (tomllib.TOMLDecodeError, AttributeError):
        return []
    files = [f"python {name}" for name in ("main.py", "app.py") if (directory / name).exists()]
    command = next(iter((*scripts, *files)), None)
    if command is None:
        return []
    name = _name(str(project.get("name") or "")) or "app"
    source = "pyproject.toml" if project else command.removeprefix("python ")
    return [_Found(name, (*_command(name, command), *_where_it_listens(name)), source)]


def _go(directory: Path) -> list[_Found]:
    match = re.search(r"^module\s+(\S+)", _text(directory / "go.mod"), re.MULTILINE)
    if match is None:
        return []
    name = _name(match[1].rpartition("/")[2]) or "app"
    return [_Found(name, (*_command(name, "go run ."), *_where_it_listens(name)), "go.mod")]


def _dockerfile(directory: Path) -> list[_Found]:
    text = _text(directory / "Dockerfile")
    if not text:
        return []
    ports = re.findall(r"^EXPOSE\s+(\d+)", text, re.MULTILINE)
    published = [f'ports: ["{ports[0]}"]  # a free port of this machine is picked'] if ports else []
    return [_Found(_name(directory.absolute().name) or "app", ("build: .", *published), "the Dockerfile")]


def _command(name: str, command: str, *, listens: bool = False) -> tuple[str, ...]:
    """What runs a command line: by a shell where it needs one. Who asks for $PORT gets one."""
    text = json.dumps(command.replace("$", "$$"), ensure_ascii=False)
    run = f'command: ["sh", "-c", {text}]' if any(sign in command for sign in "$|&;<>") else f"command: {text}"
    if not listens and not _ASKS_FOR_PORT.search(command):
        return (run, "restart: on-failure")
    return (
        run,
        'ports: ["8000"]  # a free one is picked, the same each time',
        f'environment: {{PORT: "${{{name}.port}}"}}  # which one',
        "restart: on-failure",
    )


def _where_it_listens(name: str) -> tuple[str, ...]:
    """What to write for one that listens, which cannot be seen from here."""
    return (
        "# Where it listens, so that devbox waits for it and others find it:",
        '# ports: ["8000"]',
        f'# environment: {{PORT: "${{{name}.port}}"}}',
    )


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST)
    except OSError:
        return ""


def _name(text: str) -> str:
    return _NAME.sub("-", text.lower()).strip("-_")
