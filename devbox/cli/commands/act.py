"""`devbox start`, `stop`, `restart`, `kill`, `pause`, `unpause` and `scale`: they act, and wait until it is done."""

from __future__ import annotations

import os
from collections.abc import Iterable

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED
from devbox.cli.verdicts import say_unmet
from devbox.control.protocol import Action, Command, Goal, Verdict
from devbox.domain.codec import decode, encode
from devbox.domain.errors import UsageError
from devbox.domain.local import LocalRun, template
from devbox.domain.spec import EnvVar


def run(args: Arguments) -> int:
    scale = scales(args.services) if args.command == "scale" else ()
    command = Command(
        action=Action.FRESH if getattr(args, "fresh_data", False) else Action(args.command),
        services=tuple(name for name, _ in scale) if scale else tuple(args.services),
        scale=scale,
        by=f"devbox {args.command}",
        goal=Goal.STARTED,
        signal=getattr(args, "signal", None),
        grace=getattr(args, "timeout", None),
        local=_local(args) if args.command == "run-local" else None,
    )
    verdict = decode(Verdict, args.project().client().post("/v1/command", encode(command)))
    say_unmet(verdict)
    return DONE if verdict.ok else FAILED


def _local(args: Arguments) -> LocalRun | None:
    """How services are run here, where that is not as the manifest says."""
    if not (args.argv or args.env or args.workdir):
        return None
    from devbox.cli.commands.exec import with_value
    from devbox.manifest.environment import looks_secret

    pairs = [with_value(each, dict(os.environ)).partition("=") for each in args.env or ()]
    env = tuple(EnvVar(name, template(value), looks_secret(name, value)) for name, _, value in pairs)
    # What a person types is meant where they stand.
    place = os.path.abspath(args.workdir or ".") if args.argv or args.workdir else ""
    return LocalRun(tuple(map(template, args.argv)), env, place)


def scales(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Services and numbers of replicas, from `web=3`. Raises UsageError for anything else."""
    found = []
    for text in texts:
        name, sign, number = text.partition("=")
        if not name or not sign or not number.isdecimal():
            raise UsageError(f"{text} is no scale", hint="Write SERVICE=N, for example web=3.")
        found.append((name, int(number)))
    return tuple(found)
