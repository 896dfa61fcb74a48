"""Mutated manifests, read one after the other; anything but a mesh or errors, soon, is a fault."""

from __future__ import annotations

import logging
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from devbox.domain.errors import ManifestError
from devbox.manifest import read
from devbox.manifest.canonical import canonical
from devbox.manifest.reading import Reading
from tests.fuzz.mutation import mutated

log = logging.getLogger("fuzz")
ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
LONGEST = 2.0
"""Seconds of the process's own time that reading one manifest may take."""
MOST_MEMORY = 500
"""MiB that the process may come to."""

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
TELL_EVERY = 60.0
"""Seconds after which a run says how far it is."""

_MEMORY = "/dev/shm"
"""Where files are written that need no disk, if there is such a place: a disk takes longer than reading them."""

BESIDE = ("base.yaml", "part/compose.yaml", "part/other.yaml", "vars.env", ".env")
"""Files that others name."""


class Fault(Exception):
    """A manifest that was not read as it should be; `files` are what was read."""

    def __init__(self, files: Mapping[str, bytes], words: str) -> None:
        super().__init__(words)
        self.files, self.words = files, words

    def __reduce__(self) -> tuple[type[Fault], tuple[Mapping[str, bytes], str]]:
        return Fault, (self.files, self.words)


@dataclass
class Done:
    """How many manifests were read, how many of them were good, how long the slowest took, and what a process took."""

    read: int = 0
    good: int = 0
    slowest: float = 0.0
    memory: float = 0.0

    def __str__(self) -> str:
        return f"{self.good:,} good, the slowest took {self.slowest:.2f} s, {self.memory:.0f} MiB at most"

    def __add__(self, other: Done) -> Done:
        slowest, memory = max(self.slowest, other.slowest), max(self.memory, other.memory)
        return Done(self.read + other.read, self.good + other.good, slowest, memory)


def corpus() -> list[bytes]:
    """The manifests that come with devbox and its tests."""
    found = [*CORPUS.glob("*.yaml"), *ROOT.glob("profiles/*/devbox.yaml"), *ROOT.glob("tests/meshes/cases/*/*.y*ml")]
    return [path.read_bytes() for path in sorted(found)]


def run(seed: int, count: int, seconds: float) -> Done:
    """Read so many manifests, or as many as can be in so many seconds. Raises Fault at the first one."""
    done = Done()
    end = time.monotonic() + seconds
    told = time.monotonic()
    with tempfile.TemporaryDirectory(dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as folder:
        fuzz = _Fuzz(random.Random(seed), Path(folder))
        while done.read < count and time.monotonic() < end:
            fuzz.once(done)
            if time.monotonic() - told > TELL_EVERY:
                told = time.monotonic()
                log.info("%s so far: %s", f"{done.read:,}", done)
    return done


class _Fuzz:
    """Writes files with something changed in them into a folder, and reads them."""

    def __init__(self, chance: random.Random, folder: Path) -> None:
        self._chance, self._folder, self._corpus = chance, folder / "project", corpus()
        shutil.copytree(CORPUS, self._folder)
        shutil.copyfile(CORPUS / "vars.env", self._folder / ".env")
        self._sound = {name: (self._folder / name).read_bytes() for name in BESIDE}
        self._beside = dict(self._sound)
        self._profiles: list[str] = []

    def once(self, done: Done) -> None:
        """One manifest more."""
        files = self._files()
        self._profiles = self._chance.choice((["*"], []))
        for name, data in files.items():
            (self._folder / name).write_bytes(data)
        began = time.process_time()
        try:
            done.good += self._is_good([self._folder / name for name in files])
        except Exception as exc:
            raise Fault({**files, **self._beside}, f"reading it raised {exc!r}") from exc
        took = time.process_time() - began
        done.read, done.slowest, done.memory = done.read + 1, max(done.slowest, took), _memory()
        if took > LONGEST:
            raise Fault({**files, **self._beside}, f"reading it took {took:.1f} s")
        if done.memory > MOST_MEMORY:
            raise Fault({**files, **self._beside}, f"after it the process has {done.memory:.0f} MiB")

    def _files(self) -> dict[str, bytes]:
        """One file, or one that lies on another; now and then something happens to those that they name, too."""
        if self._chance.random() < 0.2:
            name = self._chance.choice(BESIDE)
            self._lay_beside({**self._sound, name: mutated(self._chance, [self._sound[name]])})
        elif self._beside != self._sound:
            self._lay_beside(self._sound)
        name = self._chance.choice(("devbox.yaml", "compose.yaml"))
        files = {name: mutated(self._chance, self._corpus)}
        if self._chance.random() < 0.15:
            files[f"over.{name}"] = mutated(self._chance, self._corpus)
        return files

    def _lay_beside(self, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            (self._folder / name).write_bytes(data)
        self._beside = dict(files)

    def _is_good(self, files: list[Path]) -> bool:
        try:
            reading = self._read(files)
        except ManifestError as error:
            if not error.problems or not all(problem.message and str(problem) for problem in error.problems):
                raise AssertionError("an error without words") from error
            return False
        once = canonical(reading, show_secrets=True)
        again = files[0].with_name(f"again.{files[0].name}")
        again.write_text(yaml.dump(once, Dumper=_DUMPER, sort_keys=False, allow_unicode=True), encoding="utf-8")
        twice = canonical(self._read([again]), show_secrets=True)
        if twice != once:
            raise AssertionError(f"read again it is another: {_difference(once, twice)}")
        return True

    def _read(self, files: list[Path]) -> Reading:
        return read(
            files,
            environment={"PATH": "/usr/bin:/bin"},
            profiles=self._profiles,
            secrets=lambda *_: "secret",
            data_dir=lambda service: f"/data/{service}",
            engine=lambda: True,
        )


def _difference(one: Any, other: Any, path: str = "") -> str:
    """The first place where two data differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if one.get(key) != other.get(key) or (key in one) != (key in other):
                return _difference(one.get(key), other.get(key), f"{path}.{key}")
    return f"{path}: {one!r} and {other!r}"


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
