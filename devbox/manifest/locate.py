"""Where a project's manifest is, and its variables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

NAMES = ("devbox.yaml", "devbox.yml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""In this order, in a directory and then its parents."""

_DEVBOX_OVERRIDES = ("devbox.override.yaml", "devbox.override.yml")
_COMPOSE_OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)

STDIN = Path("-")
"""What stands for the standard input where a file is named."""


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
    return next(((found,) for found in override_places(path) if found.is_file()), ())


def override_places(path: Path) -> tuple[Path, ...]:
    """Where the `.override` sibling of a manifest would be; of several that are there the first one counts."""
    names = _DEVBOX_OVERRIDES if path.name.startswith("devbox") else _COMPOSE_OVERRIDES
    return tuple(map(path.with_name, names))


def listed(environment: Mapping[str, str], env_files: Sequence[Path], directory: Path) -> tuple[Path, ...]:
    """The files that COMPOSE_FILE names, in the environment or in a file of variables; () when it names none.

    Paths are relative to the working directory, as for `-f`.
    """
    values = environment
    if "COMPOSE_FILE" not in environment:
        paths = env_files or default_env_files(environment, [directory])
        if not any(b"COMPOSE_FILE" in _bytes(path) for path in paths):
            return ()
        from devbox.manifest.source import Problems
        from devbox.manifest.variables import read_variables

        # What is wrong with the file is said when the manifest is read.
        values = read_variables(environment, paths, directory, Problems()).known
    separator = values.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    names = [name for name in values.get("COMPOSE_FILE", "").split(separator) if name]
    return tuple(STDIN if name == "-" else Path(name).absolute() for name in names)


def named_env_files(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The files of variables that COMPOSE_ENV_FILES names; they stand in the place of `.env`."""
    names = environment.get("COMPOSE_ENV_FILES", "").split(",")
    return tuple(Path(name.strip()).absolute() for name in names if name.strip())


def default_env_files(environment: Mapping[str, str], directories: Iterable[Path]) -> list[Path]:
    """The `.env` of each directory that has one, unless the user wants none."""
    return [path for path in env_file_places(environment, directories) if path.is_file()]


def env_file_places(environment: Mapping[str, str], directories: Iterable[Path]) -> list[Path]:
    """Where the `.env` of each directory would be, unless the user wants none."""
    if environment.get("COMPOSE_DISABLE_ENV_FILE", "") in ("1", "t", "T", "true", "True", "TRUE"):
        return []
    return [directory / ".env" for directory in dict.fromkeys(directories)]


def _bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1024 * 1024)
    except OSError:
        return b""
