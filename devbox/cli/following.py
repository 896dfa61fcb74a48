"""The supervisor reads the manifest again: when one of its files is saved, and when a view asks about it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devbox.cli.project import Project, Selection
from devbox.control.local import LocalControl
from devbox.control.protocol import Action, Command, ConfigValue, Goal, ManifestChoice
from devbox.domain.errors import DevboxError, ManifestError, UsageError

if TYPE_CHECKING:
    from devbox.manifest.reading import Reading

_SETTLE_MS = 50
"""Milliseconds without a further change after which a file is taken to be saved whole."""

Signs = dict[Path, tuple[int, int, int]]

log = logging.getLogger(__name__)


class Following:
    """Follows the manifest that the last `up` was given."""

    def __init__(self, control: LocalControl) -> None:
        self._control = control
        self._choice: ManifestChoice | None = None
        self._watching: asyncio.Task[None] | None = None

    def chosen(self, choice: ManifestChoice) -> None:
        """Follow this manifest from now on, in place of the one before."""
        if self._choice == choice and self._watching is not None and not self._watching.done():
            return
        self._choice = choice
        if self._watching is not None:
            self._watching.cancel()
        self._watching = asyncio.create_task(self._follow(choice))

    async def values(self, service: str) -> tuple[ConfigValue, ...]:
        """What the manifest says of a service, with where each value comes from. Raises ManifestError."""
        if self._choice is None:
            raise UsageError("the supervisor does not know the manifest: say `devbox up` once more")
        return await asyncio.to_thread(_values, _project(self._choice), service)

    async def close(self) -> None:
        """Stop following."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _follow(self, choice: ManifestChoice) -> None:
        sources = {Path(source) for source in choice.sources}
        known = _signs(sources)
        while folders := _folders(sources):
            async for saved in _saves(folders, frozenset(sources), known):
                known = _signs(sources)
                named = await self._look_again(choice, saved)
                if not named <= sources or _folders(sources) != folders:
                    # Other files come to count, or lie in folders that were not there before.
                    sources |= named
                    break

    async def _look_again(self, choice: ManifestChoice, saved: Sequence[str]) -> set[Path]:
        """Read what was saved and tell; the files that it was read from, or would have been."""
        name = " and ".join(saved)
        try:
            reading = await asyncio.to_thread(_read, _project(choice))
        except ManifestError as exc:
            self._control.saved(name, None, tuple(map(str, exc.problems)))
            return set(map(Path, exc.looked_at))
        except (DevboxError, OSError) as exc:
            self._control.saved(name, None, (str(exc),))
            return set()
        except Exception as exc:
            # A fault of devbox's own must not end the following.
            log.exception("reading the manifest failed")
            self._control.saved(name, None, (f"{name}: devbox failed to read it ({exc!r}); the log has more",))
            return set()
        self._control.saved(name, reading.app)
        if choice.at_once and self._control.pending is not None:
            try:
                await self._control.command(Command(Action.FOLLOW, by=f"{name} was saved", goal=Goal.NOTHING))
            except DevboxError as exc:
                self._control.saved(name, None, (exc.message,))
        return set(reading.sources)


def _folders(sources: Collection[Path]) -> list[Path]:
    """The folders that files lie in, or the nearest ones that are there for them to come to lie in.

    A file is often saved by putting another in its place, so it is not watched itself.
    """
    return sorted({next(folder for folder in source.parents if folder.is_dir()) for source in sources})


async def _saves(folders: Sequence[Path], sources: Collection[Path], known: Signs) -> AsyncIterator[list[str]]:
    """The names of files, each time some of them were saved, or a folder on the way to them came or went.

    What happened between one watching and the next shows in what the files are `known` to have been.
    """
    from watchfiles import Change, awatch

    wanted = {str(path) for source in sources for path in (source, *source.parents)}
    async for changes in awatch(
        *folders,
        watch_filter=lambda change, path: path in wanted and not (change is Change.modified and os.path.isdir(path)),
        debounce=_SETTLE_MS * 4,
        step=_SETTLE_MS,
        recursive=False,
        yield_on_timeout=True,
    ):
        before, known = known, _signs(sources)
        changed = {Path(path) for _, path in changes}
        changed |= {path for path, sign in known.items() if before.get(path, sign) != sign}
        if saved := [source for source in sources if not changed.isdisjoint((source, *source.parents))]:
            yield sorted({source.name for source in saved})


def _signs(sources: Collection[Path]) -> Signs:
    """By what one sees that files are others than before: when they were written and how long they are."""
    return {source: _sign(source) for source in sources}


def _sign(source: Path) -> tuple[int, int, int]:
    try:
        status = source.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _project(choice: ManifestChoice) -> Project:
    return Project(
        Selection(
            files=_files(choice),
            project=choice.project,
            directory=Path(choice.directory) if choice.directory else None,
            profiles=choice.profiles,
            env_files=tuple(map(Path, choice.env_files)) or _there(choice.env_file_places),
        )
    )


def _files(choice: ManifestChoice) -> tuple[Path, ...]:
    """The manifest's files, with the `.override` that is there by now where nobody named files."""
    files = tuple(map(Path, choice.files))
    return (files[0], *_there(choice.override_places)[:1]) if choice.override_places else files


def _there(places: Sequence[str]) -> tuple[Path, ...]:
    return tuple(path for path in map(Path, places) if path.is_file())


def _read(project: Project) -> Reading:
    return project.read()


def _values(project: Project, service: str) -> tuple[ConfigValue, ...]:
    from devbox.manifest.provenance import provenance

    found = provenance(project.read(), service)
    return tuple(
        ConfigValue(each.key, each.value, each.origin, tuple((s.origin, s.value) for s in each.overrode), each.secret)
        for each in found
    )
