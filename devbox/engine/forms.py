"""Which services run on this machine in place of their container, or with another command than the manifest's.

The choice is a person's, not the manifest's. It is kept in a file as long as the mesh is up, so that neither a new
supervisor nor the next `up` takes it back.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from devbox.domain.codec import DecodeError, decode, encode
from devbox.domain.local import LocalRun, in_container, in_place_of
from devbox.domain.spec import AppSpec, ServiceSpec


class Forms:
    """The services that run locally, and how. Without a file the choice is kept in memory.

    What the manifest says of them is remembered: what is applied may be what came out of it before.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._local = _read(file) if file is not None else {}
        self._stated: dict[str, ServiceSpec] = {}
        self._made: dict[str, ServiceSpec] = {}

    def chosen(self, service: str) -> bool:
        """Whether a person had it run locally."""
        return service in self._local

    def choose(self, services: Collection[str], run: LocalRun | None) -> None:
        """Have services run locally from now on, and so; None: in their containers."""
        kept = {name: how for name, how in self._local.items() if name not in services}
        self._local = kept if run is None else {**kept, **dict.fromkeys(services, run)}
        if self._file is not None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.touch(0o600)
            self._file.write_text(json.dumps({name: encode(how) for name, how in sorted(self._local.items())}))

    def applied(self, app: AppSpec) -> AppSpec:
        """The manifest with each service as it was chosen."""
        return replace(app, services=tuple(map(self._applied, app.services)))

    def _applied(self, spec: ServiceSpec) -> ServiceSpec:
        stated = self._stated[spec.name] if spec == self._made.get(spec.name) else spec
        run = self._local.get(spec.name)
        self._stated[spec.name] = stated
        self._made[spec.name] = in_container(stated) if run is None else in_place_of(stated, run)
        return self._made[spec.name]


def _read(file: Path) -> dict[str, LocalRun]:
    try:
        return {str(name): decode(LocalRun, how) for name, how in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError, DecodeError):
        return {}
