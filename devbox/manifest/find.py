"""Where a project's manifest is, and what the project is called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

NAMES = ("devbox.yaml", "devbox.yml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""In this order, in a directory and then its parents."""


def find(directory: Path) -> tuple[Path, ...]:
    """The manifest for somebody working in `directory`, with its `.override` sibling; () when there is none."""
    start = directory.absolute()
    for folder in (start, *start.parents):
        for name in NAMES:
            path = folder / name
            if path.is_file():
                return (path, *_override(path))
    return ()


def _override(path: Path) -> tuple[Path, ...]:
    candidates = (path.with_name(f"{path.stem}.override{suffix}") for suffix in (path.suffix, ".yaml", ".yml"))
    return next(((found,) for found in candidates if found.is_file()), ())


def normalised(name: str) -> str:
    """A project name as Compose makes it: lower case letters, digits, `-` and `_`, and no `-` or `_` in front."""
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def choose_name(asked: str | None, environment: Mapping[str, str], written: str | None, directory: Path) -> str:
    """-p beats COMPOSE_PROJECT_NAME, which beats `name:`, which beats the name of the directory."""
    candidates: Sequence[str | None] = (asked, environment.get("COMPOSE_PROJECT_NAME"), written, directory.name)
    return next((name for candidate in candidates if candidate and (name := normalised(candidate))), "default")
