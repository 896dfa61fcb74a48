"""Which manifest a mesh is brought up from, for the supervisor, which will read it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devbox.cli.project import Project
from devbox.control.protocol import ManifestChoice

if TYPE_CHECKING:
    from devbox.manifest.reading import Reading


def choice_of(reading: Reading, project: Project, *, at_once: bool) -> ManifestChoice:
    """How to read the same manifest again from anywhere, with what would count if it were there."""
    selection, files = project.selection, project.files()
    places, overrides = project.env_file_places(files), project.override_places(files)
    return ManifestChoice(
        files=reading.app.files,
        project=reading.app.project,
        directory=str(selection.directory) if selection.directory else "",
        profiles=selection.profiles,
        env_files=() if places else tuple(map(str, project.env_files(files))),
        env_file_places=tuple(map(str, places)),
        override_places=tuple(map(str, overrides)),
        sources=tuple(sorted({*map(str, reading.sources), *map(str, (*places, *overrides))})),
        at_once=at_once,
    )
