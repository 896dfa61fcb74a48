"""`devbox start`, `stop`, `restart` and `kill`: commands that act on services and wait until it is done."""

from __future__ import annotations

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED
from devbox.cli.verdicts import say_unmet
from devbox.control.protocol import Action, Command, Goal, Verdict
from devbox.domain.codec import decode, encode


def run(args: Arguments) -> int:
    command = Command(
        action=Action(args.command),
        services=tuple(args.services),
        by=f"devbox {args.command}",
        goal=Goal.STARTED,
        signal=getattr(args, "signal", None),
        grace=getattr(args, "timeout", None),
    )
    verdict = decode(Verdict, args.project().client().post("/v1/command", encode(command)))
    say_unmet(verdict)
    return DONE if verdict.ok else FAILED
