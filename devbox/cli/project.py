"""Which project a command is about: found without reading the manifest where something of it runs already."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devbox.domain.errors import UsageError
from devbox.domain.places import Places, state_home

if TYPE_CHECKING:
    from devbox.control.client import Client
    from devbox.domain.spec import AppSpec
    from devbox.manifest.reading import Reading
    from devbox.manifest.tree import Mapping as Tree


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
    given: dict[Path, bytes] = field(default_factory=dict)
    """What was read from the standard input and from pipes, which tell it only once."""

    def files(self) -> tuple[Path, ...]:
        """The manifest's files: those named, those COMPOSE_FILE names, or those found from the working directory up."""
        from devbox.manifest.locate import STDIN

        files = tuple(path if path == STDIN else path.absolute() for path in self.selection.files)
        files = files or self._found()
        for file in files:
            if file not in self.given and (file == STDIN or file.is_fifo()):
                self.given[file] = _all_of(file)
        return files

    def override_places(self, files: tuple[Path, ...]) -> tuple[Path, ...]:
        """Where an `.override` would count that nobody names: beside a manifest that was found, not named."""
        from devbox.manifest.locate import override_places

        found = not self.selection.files and files and self._listed() == ()
        return override_places(files[0]) if found else ()

    def _listed(self) -> tuple[Path, ...]:
        from devbox.manifest.locate import listed

        directory = self.selection.directory or _working_directory()
        return listed(self.environment, self._named_env_files(), directory)

    def _found(self) -> tuple[Path, ...]:
        from devbox.manifest.locate import find

        return self._listed() or find(self.selection.directory or _working_directory())

    def env_files(self, files: tuple[Path, ...]) -> tuple[Path, ...]:
        """The files of variables, where those are not just the `.env` beside the manifest."""
        return self._named_env_files() or tuple(path for path in self.env_file_places(files) if path.is_file())

    def env_file_places(self, files: tuple[Path, ...]) -> tuple[Path, ...]:
        """Where files of variables would count that nobody names, besides the `.env` beside the manifest alone."""
        from devbox.manifest.locate import env_file_places
        from devbox.manifest.name import project_directory

        if self._named_env_files() or self.selection.files or self.selection.directory:
            return ()
        # One in the working directory has the last word.
        return tuple(env_file_places(self.environment, [project_directory(files, None), _working_directory()]))

    def _named_env_files(self) -> tuple[Path, ...]:
        if self.selection.env_files:
            return tuple(path.absolute() for path in self.selection.env_files)
        from devbox.manifest.locate import named_env_files

        return named_env_files(self.environment)

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

    def load(self, targets: Sequence[str] = ()) -> AppSpec:
        """The manifest, whole, with the profiles of the services in `targets`.

        Raises ManifestError, or UsageError when there is none.
        """
        return self.read(targets).app

    def read(self, targets: Sequence[str] = ()) -> Reading:
        """The manifest with what it was made of, for those who show where things come from. Raises as `load` does."""
        from devbox.cli.secrets import SecretStore
        from devbox.manifest import read
        from devbox.runtimes.docker.endpoint import answers

        files = self.files()
        if not files:
            raise no_manifest()
        places = Places.of(self._name_in(files))
        return read(
            files,
            project=self.selection.project,
            directory=self.selection.directory,
            environment=self.environment,
            env_files=self.env_files(files),
            profiles=self.selection.profiles,
            targets=targets,
            given=self.given,
            engine=lambda: answers(self.environment),
            secrets=SecretStore(places.secrets).get,
            data_dir=lambda service: str(places.data / service),
        )

    def read_as_written(self) -> Tree:
        """The manifest with its variables as they are written. Raises ManifestError, or UsageError for none."""
        from devbox.manifest.reading import read_as_written

        files = self.files()
        if not files:
            raise no_manifest()
        return read_as_written(
            files,
            directory=self.selection.directory,
            environment=self.environment,
            env_files=self.env_files(files),
            given=self.given,
        )

    def _name_in(self, files: tuple[Path, ...]) -> str:
        from devbox.manifest import project_name

        return project_name(
            files,
            project=self.selection.project,
            directory=self.selection.directory,
            environment=self.environment,
            env_files=self.env_files(files),
            given=self.given,
        )


def _all_of(file: Path) -> bytes:
    """What the standard input or a pipe holds, as far as a manifest may be long."""
    from devbox.manifest.locate import STDIN
    from devbox.manifest.parse import LARGEST_FILE

    if file == STDIN:
        return sys.stdin.buffer.read(LARGEST_FILE + 1)
    with open(file, "rb") as opened:
        return opened.read(LARGEST_FILE + 1)


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
    if "-" in wanted:
        return None
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
