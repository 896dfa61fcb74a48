"""`devbox task`: a one-shot task of a service, with the service's environment; its exit code is the command's."""

from __future__ import annotations

import difflib

from devbox.cli.arguments import Arguments
from devbox.cli.commands.exec import run_beside
from devbox.cli.replicas import placed
from devbox.domain.errors import UsageError
from devbox.domain.spec import Unit


def run(args: Arguments) -> int:
    found = placed(args.project().client(), args.service, secrets=True)
    if found.unit is None:
        raise UsageError(f"the manifest no longer has {args.service}")
    return run_beside(found, (*_argv(found.unit, args.name), *args.argv), args)


def _argv(unit: Unit, name: str) -> tuple[str, ...]:
    tasks = {task.name: task for task in unit.spec.tasks}
    if name in tasks:
        return tuple(map(str, tasks[name].argv))
    near = difflib.get_close_matches(name, tasks, 1)
    known = f"It has: {', '.join(tasks)}." if tasks else "`tasks:` in the manifest gives it some."
    raise UsageError(f"{unit.key.service} has no task {name}", hint=f"Did you mean {near[0]}?" if near else known)
