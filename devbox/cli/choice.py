"""Which manifest a mesh is brought up from, for the supervisor, which will read it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devbox.cli.project import Selection
from devbox.control.protocol import ManifestChoice

if TYPE_CHECKING:
    from devbox.manifest.reading import Reading


def choice_of(
    reading: Reading, selection: Selection, env_files: Sequence[Path], places: Sequence[Path], *, at_once: bool
) -> ManifestChoice:
    """How to read the same manifest again from anywhere. `places` are where an `.env` counts that may not be there."""
    return ManifestChoice(
        files=reading.app.files,
        project=reading.app.project,
        directory=str(selection.directory) if selection.directory else "",
        profiles=selection.profiles,
        env_files=() if places else tuple(map(str, env_files)),
        env_file_places=tuple(map(str, places)),
        sources=tuple(sorted({*map(str, reading.sources), *map(str, places)})),
        at_once=at_once,
    )
