"""`seed:`: the files that fresh data begin with, in the order in which they are applied."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devbox.domain.spec import SeedFile
from devbox.manifest.draft import Draft
from devbox.manifest.source import Place, nearest_file
from devbox.manifest.tree import Node
from devbox.manifest.values import Scope

if TYPE_CHECKING:
    from devbox.catalogue import Pieces
    from devbox.catalogue.expand import SeedKind


def seed(scope: Scope, node: Node, draft: Draft) -> None:
    """`seed: ./db`, or a list of files and directories."""
    for item in scope.items(node, "seed"):
        text = scope.text(item, "an item of seed")
        if text:
            draft.seed.append((os.path.normpath(scope.base(item.place) / os.path.expanduser(text)), item.place))


def seed_files(scope: Scope, draft: Draft, pieces: Pieces | None) -> tuple[SeedFile, ...] | None:
    """The files of a service's seed; None where nothing is known of how it could be seeded."""
    kinds = pieces.seed if pieces else ()
    if draft.seed and not kinds:
        words = f"{draft.name} cannot be seeded: {'the catalogue does not say how' if pieces else 'it has no `use:`'}"
        scope.problems.add(draft.keys["seed"], words, "`devbox catalogue` lists what can.")
    if not kinds:
        return None
    return tuple(file for path, place in draft.seed for file in _at(scope, path, place, kinds))


def _at(scope: Scope, path: str, place: Place, kinds: Sequence[SeedKind]) -> Iterator[SeedFile]:
    """The files at a path. Those of a directory come in the order of their names, without what is not for a seed."""
    known = ", ".join(kind.suffix for kind in kinds)
    paths = [path]
    if os.path.isdir(path):
        paths = sorted(entry.path for entry in os.scandir(path) if entry.is_file() and _kind(entry.name, kinds))
        if not paths:
            scope.problems.note(place, f"nothing in {_shown(scope, path, place)} is a seed: no file ends in {known}")
    elif not os.path.exists(path):
        scope.problems.add(place, f"{_shown(scope, path, place)} does not exist", nearest_file(Path(path)))
        return
    for each in paths:
        kind = _kind(each, kinds)
        if kind is None:
            scope.problems.add(place, f"{_shown(scope, each, place)} is no seed", f"Files that are end in {known}.")
        else:
            yield SeedFile(each, _shown(scope, each, place), kind.argv, kind.line)


def _kind(name: str, kinds: Sequence[SeedKind]) -> SeedKind | None:
    fitting = [kind for kind in kinds if name.endswith(kind.suffix)]
    return max(fitting, key=lambda kind: len(kind.suffix), default=None)


def _shown(scope: Scope, path: str, place: Place) -> str:
    """A path as people say it: from where the manifest is, where it lies below that."""
    shown = os.path.relpath(path, scope.base(place))
    return path if shown.startswith("..") else shown
