"""`devbox rm`: remove what is stopped."""

from __future__ import annotations

import sys

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED, say
from devbox.cli.verdicts import say_unmet
from devbox.control.client import Client
from devbox.control.protocol import Action, Command, Verdict
from devbox.domain.codec import decode, encode
from devbox.domain.errors import UsageError
from devbox.views.table import STOPPED

_AT_REST = STOPPED | {"completed", "failed"}
"""States in which nothing of a service runs, and nothing is on its way to."""


def run(args: Arguments) -> int:
    client = args.project().client()
    rows = client.get("/v1/state")["rows"]
    if unknown := set(args.services) - {row["service"] for row in rows}:
        raise UsageError(f"no such service: {min(unknown)}")
    named = {row["service"] for row in rows if not args.services or row["service"] in args.services}
    if args.stop and not _act(client, Action.STOP, named):
        return FAILED
    running = set() if args.stop else {row["service"] for row in rows if row["state"] not in _AT_REST}
    names = sorted(named - running)
    if not names:
        say("nothing is stopped" if not args.services else f"{', '.join(sorted(named))} runs; stop it first, or add -s")
        return DONE
    if not args.force and sys.stdin.isatty() and not _confirmed(names):
        return DONE
    return DONE if _act(client, Action.REMOVE, set(names)) else FAILED


def _act(client: Client, action: Action, names: set[str]) -> bool:
    command = Command(action, services=tuple(sorted(names)), by="devbox rm")
    verdict = decode(Verdict, client.post("/v1/command", encode(command)))
    say_unmet(verdict)
    return verdict.ok


def _confirmed(names: list[str]) -> bool:
    return input(f"remove {', '.join(names)}? [y/N] ").strip().lower() in ("y", "yes")
