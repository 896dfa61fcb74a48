"""Where a project's manifest is."""

from __future__ import annotations

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
