"""`devbox exec`: a command beside a service, in its container or with its environment on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE
from devbox.cli.replicas import placed, running
from devbox.control.protocol import Placed
from devbox.domain.errors import DevboxError, UsageError
from devbox.domain.instance import Ref
from devbox.domain.spec import ProcessRun, Unit

_SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")


def run(args: Arguments) -> int:
    project = args.project()
    unit, ref = running(placed(project.client(), args.service, args.index, secrets=True))
    if isinstance(unit.spec.run, ProcessRun):
        return _beside_process(unit, args, project.name(), project.environment)
    argv = tuple(args.argv) or _console(unit) or _SHELL
    return _in_container(ref, args, project.name(), project.environment, argv)


def _console(unit: Unit) -> tuple[str, ...]:
    """The server's own prompt, for what comes from the catalogue; none where its client is not installed here."""
    argv = tuple(map(str, unit.spec.console))
    there = not isinstance(unit.spec.run, ProcessRun) or (argv and shutil.which(argv[0]))
    return argv if there else ()


def _in_container(ref: Ref, args: Arguments, project: str, environ: dict[str, str], argv: tuple[str, ...]) -> int:
    from devbox.runtimes.docker.oneoff import Asked, wants_terminal
    from devbox.runtimes.docker.session import engine_session

    asked = Asked(
        env=tuple(with_value(each, environ) for each in args.env or ()),
        user=args.user or "",
        working_dir=args.workdir or "",
        tty=not args.no_tty and not args.detach and wants_terminal(),
        stdin=not args.detach,
        detach=args.detach,
        privileged=args.privileged,
    )
    with engine_session(project, environ) as session:
        return session.execute(ref.id, argv, asked)


def _beside_process(unit: Unit, args: Arguments, project: str, environ: dict[str, str]) -> int:
    if args.user or args.privileged:
        raise UsageError(f"{unit.key.service} runs on this machine: there --user and --privileged mean nothing")
    return run_here(unit, tuple(args.argv) or _console(unit) or (environ.get("SHELL", "sh"),), args, project, environ)


def run_beside(found: Placed, argv: tuple[str, ...], args: Arguments) -> int:
    """Run a command beside a replica, wherever that runs; its exit code."""
    project = args.project()
    if found.unit is not None and isinstance(found.unit.spec.run, ProcessRun):
        return run_here(found.unit, argv, args, project.name(), project.environment)
    return _in_container(running(found)[1], args, project.name(), project.environment, argv)


def run_here(unit: Unit, argv: tuple[str, ...], args: Arguments, project: str, environ: dict[str, str]) -> int:
    """Run a command with a service's environment, in its directory; its exit code."""
    from devbox.runtimes.process.launch import environment

    if not isinstance(unit.spec.run, ProcessRun):
        raise TypeError(f"{unit.key} is no host process")
    given = dict(with_value(each, environ).split("=", 1) for each in args.env or ())
    env = {**environment(unit, environ, project), **given}
    cwd = os.path.join(unit.spec.run.working_dir, args.workdir or "")
    try:
        if args.detach:
            quiet = subprocess.DEVNULL
            subprocess.Popen(argv, env=env, cwd=cwd, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
            return DONE
        sys.stdout.flush()
        os.chdir(cwd)
        os.execvpe(argv[0], argv, env)
    except FileNotFoundError as exc:
        raise DevboxError(f"command not found: {exc.filename or argv[0]}") from exc
    except PermissionError as exc:
        raise DevboxError(f"{argv[0]} is not executable") from exc


def with_value(variable: str, environ: dict[str, str]) -> str:
    """`NAME=value`; a bare NAME takes its value from here."""
    return variable if "=" in variable else f"{variable}={environ.get(variable, '')}"
