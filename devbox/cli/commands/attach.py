"""`devbox attach`."""

from __future__ import annotations

import sys

from devbox.cli.arguments import Arguments
from devbox.cli.foreground import attach
from devbox.cli.launch import supervisor_answers
from devbox.control.client import not_running
from devbox.domain.errors import UsageError


def run(args: Arguments) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the panel needs a terminal", hint="`devbox logs -f` and `devbox ps` work without one.")
    places = args.project().places()
    if not supervisor_answers(places):
        raise not_running(places.project)
    return attach(places)
