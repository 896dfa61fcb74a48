"""Which project a command is about: found without reading the manifest where something of it runs already."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devbox.domain.errors import UsageError
from devbox.domain.places import Places, state_home

if TYPE_CHECKING:
    from devbox.control.client import Client
    from devbox.domain.spec import AppSpec


@dataclass(frozen=True, slots=True)
class Selection:
    """What the global flags said."""

    files: tuple[Path, ...] = ()
    project: str | None = None
    directory: Path | None = None
    profiles: tuple[str, ...] = ()
    env_files: tuple[Path, ...] = ()
    ansi: str = "auto"
    progress: str = "auto"


@dataclass(slots=True)
class Project:
    """One project, as the flags and the working directory select it."""

    selection: Selection
    environment: dict[str, str] = field(default_factory=lambda: {"DEVBOX_PYTHON": sys.executable, **os.environ})

    def files(self) -> tuple[Path, ...]:
        """The manifest's files: those named, or those found from the working directory upwards."""
        if self.selection.files:
            return tuple(path.absolute() for path in self.selection.files)
        from devbox.manifest.find import find

        return find(self.selection.directory or _working_directory())

    def places(self) -> Places:
        """Where the project keeps its things."""
        return Places.of(self.name())

    def name(self) -> str:
        """The project's name. Raises UsageError when nothing tells which project is meant."""
        named = self.selection.project or self.environment.get("COMPOSE_PROJECT_NAME")
        if named:
            from devbox.manifest.name import normalised

            return normalised(named)
        files = self.files()
        if not files:
            raise no_manifest()
        return _running_from(files) or self._name_in(files)

    def client(self) -> Client:
        """A connection to the project's supervisor; whether there is one shows with the first request."""
        from devbox.control.client import Client

        places = self.places()
        return Client(places.socket, places.project)

    def load(self) -> AppSpec:
        """The manifest, whole. Raises ManifestError, or UsageError when there is none."""
        from devbox.cli.secrets import SecretStore
        from devbox.manifest import load
        from devbox.runtimes.docker.endpoint import answers

        files = self.files()
        if not files:
            raise no_manifest()
        places = Places.of(self._name_in(files))
        return load(
            files,
            project=self.selection.project,
            directory=self.selection.directory,
            environment=self.environment,
            env_files=self.selection.env_files,
            profiles=self.selection.profiles,
            engine=lambda: answers(self.environment),
            secrets=SecretStore(places.secrets).get,
            data_dir=lambda service: str(places.data / service),
        )

    def _name_in(self, files: tuple[Path, ...]) -> str:
        from devbox.manifest import project_name

        return project_name(
            files,
            project=self.selection.project,
            directory=self.selection.directory,
            environment=self.environment,
            env_files=self.selection.env_files,
        )


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError("the working directory is gone", hint="Change into one that exists.") from None


def no_manifest() -> UsageError:
    """The error for a command that needs a manifest where there is none."""
    return UsageError(
        f"no devbox.yaml or compose.yaml in {Path.cwd()} or above",
        hint="Change into a project, or name a file with -f.",
    )


def _running_from(files: tuple[Path, ...]) -> str | None:
    """The name of the project that was brought up from exactly these files, if one is up."""
    wanted = [str(file) for file in files]
    for about in known_projects():
        if about.get("files") == wanted:
            return str(about["project"])
    return None


def known_projects() -> list[dict[str, Any]]:
    """What `project.json` says of every project that is up, or was when its supervisor was killed."""
    found = []
    for path in sorted(state_home().glob("*/run/project.json")):
        try:
            found.append(json.loads(path.read_text()))
        except (OSError, ValueError):
            continue
    return found
