"""Manifests as texts, read in a directory of their own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devbox.domain.errors import ManifestError
from devbox.domain.spec import AppSpec, ServiceSpec
from devbox.manifest import load


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
        return load(
            files,
            directory=directory,
            environment=self.environment if environment is None else environment,
            env_files=env_files,
            profiles=profiles,
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
