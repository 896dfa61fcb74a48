"""What `devbox doctor` looks at: the manifest, the engine, and this machine's place for the mesh."""

from __future__ import annotations

from collections.abc import Iterator

from devbox.cli.checkup import images, machine, memory, ports, proxies
from devbox.cli.checkup.engine import EngineCheck
from devbox.cli.checkup.finding import Finding
from devbox.cli.project import Project
from devbox.domain.errors import DevboxError
from devbox.domain.spec import AppSpec, ContainerRun

__all__ = ["Finding", "examine"]


def examine(project: Project) -> Iterator[Finding]:
    """Everything that is looked at, one after the other."""
    app: AppSpec | None = None
    try:
        app = project.load()
        yield Finding("manifest", True, ", ".join(app.files))
    except DevboxError as error:
        yield Finding("manifest", False, error.message.splitlines()[0], error.hint or "`devbox config` tells more.")
    engine = EngineCheck()
    if app is None or any(isinstance(service.run, ContainerRun) for service in app.services):
        yield from engine.findings(project.environment, images.names(app))
    if app is not None:
        yield from images.findings(app, engine.facts)
        yield from ports.findings(app, ports.held_by(project), engine.facts)
        yield from memory.findings(app, engine.facts)
        yield from proxies.findings(app, project.environment)
    yield from machine.findings(engine.facts)
