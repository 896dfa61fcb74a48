"""Containers of a project that belong to none of its services: what another tool made, what a command ran in."""

from __future__ import annotations

from collections.abc import Mapping

from devbox.cli.diagnostics import say
from devbox.runtimes.docker.endpoint import answers


def remove_orphans(project: str, environ: Mapping[str, str]) -> None:
    """Remove them, and say which. With no engine there are none."""
    if not answers(environ):
        return
    from devbox.runtimes.docker.session import engine_session

    with engine_session(project, environ) as session:
        for name in session.remove_orphans():
            say(f"removed container {name}, which belonged to no service")
