"""Where the programs of an embedded server lie on this machine."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from devbox.catalogue.entry import Embedded, Server


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server that is there: its programs lie in the directory `bin`."""

    server: Server
    bin: str

    @property
    def version(self) -> str | None:
        return self.server.version


def search_path(path: str) -> str:
    """PATH, and after it the directory of the Python that runs devbox, where packages put their programs."""
    return os.pathsep.join(part for part in (path, os.path.dirname(sys.executable)) if part)


def find_server(embedded: Embedded, version: str, path: str) -> FoundServer | None:
    """The server that comes closest to `version`; None where none is installed. `path` is what PATH says."""
    found = [FoundServer(server, place) for server in embedded.servers if (place := _place(server, path))]
    wanted = major(version)
    return min(found, key=lambda each: _distance(each.version, wanted), default=None)


def major(version: str | None) -> int | None:
    """The first number in a version such as `16.3` or `7-alpine`."""
    digits = re.match(r"\D?(\d{1,9})", version or "")
    return int(digits[1]) if digits else None


def _distance(version: str | None, wanted: int | None) -> int:
    """How far a version is off; unknown ones come last."""
    number = major(version)
    if number is None:
        return 10**9
    return 0 if wanted is None else abs(number - wanted)


def _place(server: Server, path: str) -> str | None:
    if server.module is not None:
        package = _package_directory(server.module)
        place = package and os.path.join(package, server.bin)
        return place if place and os.path.isdir(place) else None
    program = shutil.which(server.program or "", path=search_path(path))
    return os.path.dirname(os.path.abspath(program)) if program else None


@functools.cache
def _package_directory(module: str) -> str | None:
    """The directory of an installed package, found without importing it."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return str(Path(spec.origin).parent) if spec and spec.origin else None
