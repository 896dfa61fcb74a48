"""Which services run in their other form now: a container's `local:` command in its place, say.

The choice is a person's, not the manifest's. It is kept in a file as long as the mesh is up, so that neither a new
supervisor nor the next `up` takes it back.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from devbox.domain.spec import AppSpec, Form, ProcessRun, ServiceSpec


class Forms:
    """The services that run locally. Without a file the choice is kept in memory."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._local = _read(file) if file is not None else frozenset()

    def choose(self, services: Collection[str], *, local: bool) -> None:
        """Have services run locally from now on, or as the manifest says first."""
        self._local = self._local | set(services) if local else self._local - set(services)
        if self._file is not None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.write_text(json.dumps(sorted(self._local)))

    def applied(self, app: AppSpec) -> AppSpec:
        """The manifest with each service in the form that was chosen."""
        return replace(app, services=tuple(in_form(s, local=s.name in self._local) for s in app.services))


def in_form(spec: ServiceSpec, *, local: bool) -> ServiceSpec:
    """A service as a process of this machine, or as a container; unchanged where it is so or has no other form."""
    if spec.other is None or isinstance(spec.run, ProcessRun) is local:
        return spec
    other = Form(spec.run, spec.env)
    return replace(spec, run=spec.other.run, env=spec.other.env, other=other)


def _read(file: Path) -> frozenset[str]:
    try:
        return frozenset(map(str, json.loads(file.read_text())))
    except (OSError, ValueError):
        return frozenset()
