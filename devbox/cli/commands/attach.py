"""`devbox attach`."""

from __future__ import annotations

import os

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import panel_fits
from devbox.cli.foreground import attach
from devbox.cli.launch import supervisor_answers
from devbox.control.client import not_running
from devbox.domain.errors import UsageError


def run(args: Arguments) -> int:
    # In a browser (`devbox serve`) the panel has pipes in place of a terminal, and a driver that knows.
    if not panel_fits() and "TEXTUAL_DRIVER" not in os.environ:
        raise UsageError("the panel needs a terminal", hint="`devbox logs -f` and `devbox ps` work without one.")
    places = args.project().places()
    if not supervisor_answers(places):
        raise not_running(places.project)
    return attach(places)
