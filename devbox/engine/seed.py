"""Seeds: what fresh data begin with, applied once the server answers and before anybody is told that it is ready."""

from __future__ import annotations

import asyncio
import json
import os
import posixpath
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from devbox.domain.errors import DevboxError
from devbox.domain.event import Seeded
from devbox.domain.instance import Observed
from devbox.domain.spec import ContainerRun, SeedFile, Unit
from devbox.engine.executor import Post
from devbox.plan.seeding import SeedRecord, blame, left_out, to_apply
from devbox.runtimes.base import Runtime, SyncBatch

_LIMIT = 600.0
"""Seconds that one file may take."""

_THERE = "/tmp/devbox-seed"


class Seeder:
    """Applies seeds. What was applied is written down beside the data, with a mark that only those data have."""

    def __init__(self, runtimes: Mapping[str, Runtime], file: Path, post: Post) -> None:
        self._runtimes, self._file, self._post = runtimes, file, post

    async def settle(self, instance: Observed, unit: Unit) -> str:
        """Have the data of a server that answers begin with its seed. What went wrong, in words; else empty."""
        files = unit.spec.seed
        if files is None or unit.key.replica != 1:
            return ""
        mark = await self._runtimes[instance.ref.runtime].data_mark(instance.ref, unit)
        record = self._read().get(unit.key.service)
        if record is None or record.mark != mark:
            record = SeedRecord(mark)
        if late := left_out(files, record):
            self._post(Seeded(unit.key, _too_late(late)), 0)
        elif not record.complete:
            return await self._apply(instance, unit, files, record)
        return ""

    async def _apply(self, instance: Observed, unit: Unit, files: tuple[SeedFile, ...], record: SeedRecord) -> str:
        began, wanted = time.monotonic(), to_apply(files, record)
        for number, file in enumerate(wanted):
            if wrong := await self._one(instance, unit, number, file):
                self._post(
                    Seeded(unit.key, f"failed: {wrong}; `devbox restart {unit.key.service}` goes on from there"), 0
                )
                return f"seed {wrong}"
            record = replace(record, done=(*record.done, file.shown))
            self._write(unit.key.service, record)
        self._write(unit.key.service, replace(record, complete=True))
        if wanted:
            count = "1 file" if len(wanted) == 1 else f"{len(wanted)} files"
            words = f"{count} applied in {time.monotonic() - began:.1f} s: {', '.join(file.shown for file in wanted)}"
            self._post(Seeded(unit.key, words), 0)
        return ""

    async def _one(self, instance: Observed, unit: Unit, number: int, file: SeedFile) -> str:
        runtime = self._runtimes[instance.ref.runtime]
        path = file.path
        if not await asyncio.to_thread(os.path.isfile, path):
            return f"{file.shown} is not there"
        try:
            if isinstance(unit.spec.run, ContainerRun):
                path = posixpath.join(_THERE, f"{number + 1:03}-{os.path.basename(path)}")
                await runtime.sync(instance.ref, unit, SyncBatch(copies=((file.path, path),)))
            argv = tuple(str(word).replace("{file}", path) for word in file.argv)
            result = await runtime.execute(instance.ref, unit, argv, _LIMIT)
        except DevboxError as exc:
            return f"{file.shown}: {exc.message}"
        if result.exit_code is None:
            return f"{file.shown} took longer than {_LIMIT:g} s"
        return "" if result.exit_code == 0 else blame(file, path, result.output)

    # --- what was applied

    def _read(self) -> dict[str, SeedRecord]:
        try:
            known = json.loads(self._file.read_text())
            return {
                name: SeedRecord(each["mark"], tuple(each["done"]), each["complete"]) for name, each in known.items()
            }
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return {}

    def _write(self, service: str, record: SeedRecord) -> None:
        known = {name: asdict(each) for name, each in {**self._read(), service: record}.items()}
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(known))
        new.replace(self._file)


def _too_late(names: tuple[str, ...]) -> str:
    return f"not applied, the data are older: {', '.join(names)}; `devbox down -v` makes them fresh"
