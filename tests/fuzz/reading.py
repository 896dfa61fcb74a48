"""Mutated manifests, read one after the other; anything but a mesh or errors, soon, is a fault."""

from __future__ import annotations

import random
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from devbox.domain.errors import ManifestError
from devbox.manifest import read
from devbox.manifest.canonical import canonical
from tests.fuzz.mutation import mutated

ROOT = Path(__file__).parents[2]
LONGEST = 2.0
"""Seconds of the process's own time that reading one manifest may take."""
MOST_MEMORY = 500
"""MiB that the process may come to."""


class Fault(Exception):
    """A manifest that was not read as it should be."""

    def __init__(self, data: bytes, words: str) -> None:
        super().__init__(words)
        self.data = data


@dataclass
class Done:
    """How many manifests were read, how many of them were good, and how long the slowest took."""

    read: int = 0
    good: int = 0
    slowest: float = 0.0

    def __str__(self) -> str:
        return f"{self.good:,} good, the slowest took {self.slowest:.2f} s, {_memory():.0f} MiB at most"


def corpus() -> list[bytes]:
    """The manifests that come with devbox and its tests."""
    found = [*ROOT.glob("profiles/*/devbox.yaml"), *ROOT.glob("tests/meshes/cases/*/compose.y*ml")]
    return [path.read_bytes() for path in sorted(found)]


def run(seed: int, count: int, seconds: float) -> Done:
    """Read so many manifests, or as many as can be in so many seconds. Raises Fault at the first one."""
    chance, sources, done = random.Random(seed), corpus(), Done()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        while done.read < count and time.monotonic() < end:
            _read(Path(folder), mutated(chance, sources), done)
    return done


def _read(folder: Path, data: bytes, done: Done) -> None:
    began = time.process_time()
    try:
        done.good += _is_good(folder, data)
    except Exception as exc:
        raise Fault(data, f"reading it raised {exc!r}") from exc
    took = time.process_time() - began
    done.read, done.slowest = done.read + 1, max(done.slowest, took)
    if took > LONGEST:
        raise Fault(data, f"reading it took {took:.1f} s")
    if _memory() > MOST_MEMORY:
        raise Fault(data, f"after it the process has {_memory():.0f} MiB")


def _is_good(folder: Path, data: bytes) -> bool:
    file = folder / "devbox.yaml"
    file.write_bytes(data)
    try:
        reading = read(
            [file],
            environment={"PATH": ""},
            profiles=["*"],
            secrets=lambda *_: "secret",
            data_dir=lambda service: f"/data/{service}",
        )
    except ManifestError as error:
        if not error.problems or not all(problem.message and str(problem) for problem in error.problems):
            raise AssertionError("an error without words") from error
        return False
    yaml.safe_dump(canonical(reading))
    return True


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
