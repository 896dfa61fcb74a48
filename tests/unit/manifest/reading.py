"""Manifests as texts, read in a directory of their own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devbox.domain.errors import ManifestError
from devbox.domain.spec import AppSpec, ServiceSpec
from devbox.manifest import read
from devbox.manifest.assemble import Assembler, project_of
from devbox.manifest.files import Files
from devbox.manifest.reading import Reading
from devbox.manifest.source import Problems
from devbox.manifest.tree import Mapping as Tree
from devbox.manifest.tree import Node
from devbox.manifest.tree import Sequence as Items
from devbox.manifest.variables import Interpolator, read_variables


@dataclass
class Folder:
    """A directory with files in it, and what a user of it has."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)
    engine: Callable[[], bool] = lambda: False

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def load(
        self,
        text: str,
        *more: str,
        name: str = "devbox.yaml",
        profiles: Sequence[str] = (),
        env_files: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> AppSpec:
        """The mesh that a text stands for, with the texts in `more` laid on top."""
        files = [self.write(name, text)]
        files += [self.write(f"over{number}.{name}", each) for number, each in enumerate(more)]
        return self.load_files(
            *files, profiles=profiles, env_files=env_files, environment=environment, directory=directory
        )

    def load_files(
        self,
        *files: Path,
        profiles: Sequence[str] = (),
        targets: Sequence[str] = (),
        env_files: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        given: Mapping[Path, bytes] | None = None,
    ) -> AppSpec:
        """The mesh that files stand for."""
        return self.read_files(
            *files,
            profiles=profiles,
            targets=targets,
            env_files=env_files,
            environment=environment,
            directory=directory,
            given=given,
        ).app

    def read(self, text: str, *more: str, name: str = "compose.yaml") -> Reading:
        """A text with those in `more` laid on top, and what it was made of."""
        files = [self.write(name, text)]
        files += [self.write(f"over{number}.{name}", each) for number, each in enumerate(more)]
        return self.read_files(*files)

    def read_files(
        self,
        *files: Path,
        profiles: Sequence[str] = (),
        targets: Sequence[str] = (),
        env_files: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        given: Mapping[Path, bytes] | None = None,
    ) -> Reading:
        """What files say, with what it was made of."""
        return read(
            files,
            directory=directory,
            environment=self.environment if environment is None else environment,
            env_files=env_files,
            profiles=profiles,
            targets=targets,
            given=given,
            engine=self.engine,
            secrets=lambda service, name: f"generated-{service}-{name}",
            data_dir=lambda service: f"/data/{service}",
        )

    def service(self, text: str, name: str = "web", file: str = "devbox.yaml") -> ServiceSpec:
        """One service of a manifest."""
        found = self.load(text, name=file).service(name)
        if found is None:
            raise LookupError(name)
        return found

    def errors(self, text: str, *more: str, name: str = "devbox.yaml") -> str:
        """What is wrong with a manifest, as it is printed; empty when nothing is."""
        try:
            self.load(text, *more, name=name)
        except ManifestError as exc:
            return str(exc).replace(f"{self.path}/", "")
        return ""


def as_printed(text: str) -> str:
    """An expected text as it is written in a test."""
    return textwrap.dedent(text).strip("\n")


def merged(folder: Path, *names: str, environment: Mapping[str, str] | None = None) -> Any:
    """What files of a folder come to as one tree, before anything is made of it."""
    problems = Problems()
    files = Files(problems)
    documents = [document for name in names for document in files.documents(folder / name, folder) or ()]
    problems.raise_if_any()
    variables = read_variables(environment or {}, (), folder, problems)
    project = project_of(documents, variables, folder, files, problems)
    tree = Assembler(files, Interpolator(variables, project.services, problems), problems).tree(project)
    problems.raise_if_any()
    return plain(tree)


def plain(node: Node) -> Any:
    """A tree as plain texts, lists and dicts; None for what is empty."""
    if isinstance(node, Tree):
        return {key: plain(entry.value) for key, entry in node}
    if isinstance(node, Items):
        return [plain(item) for item in node]
    return None if node.is_null else node.text
