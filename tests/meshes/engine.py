"""The engine as its own client shows it, and the images of tests/images in it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from tests.docker.engine import CLIENT

T = TypeVar("T")
IMAGES = Path(__file__).parents[1] / "images"


def docker(*args: str, check: bool = True, limit: float = 60.0) -> str:
    """What the engine's own client says, on both of its outputs."""
    done = subprocess.run(
        [CLIENT, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit, check=False
    )
    assert done.returncode == 0 or not check, f"docker {args} ended with {done.returncode}\n{done.stdout}"
    return done.stdout


def build(*names: str) -> None:
    """Have stand-ins built, if they are not there."""
    done = subprocess.run(
        ["make", "-j2", "-C", str(IMAGES), *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout


def eventually(look: Callable[[], T], limit: float = 30.0) -> T:
    """What `look` gives once it no longer fails; its failure, when it still does at the limit."""
    deadline = time.monotonic() + limit
    while True:
        try:
            return look()
        except (OSError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def container(image: str, *args: str, options: tuple[str, ...] = ()) -> Iterator[str]:
    """A container of an image for as long as this lasts; its name."""
    name = f"stand-in-{uuid4().hex[:12]}"
    docker("run", "-d", "--name", name, *options, image, *args)
    try:
        yield name
    finally:
        docker("rm", "-fv", name)


def port(name: str, inside: int) -> int:
    """The port of the host where a container's port is."""
    return int(docker("port", name, str(inside)).split()[0].rpartition(":")[2])
