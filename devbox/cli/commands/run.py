"""`devbox run`: a service's container (or its command on this machine) for one command, what it needs running."""

from __future__ import annotations

import shlex

from devbox.cli.arguments import Arguments
from devbox.cli.commands.exec import run_here, with_value
from devbox.cli.commands.up import Wanted, bring_up
from devbox.cli.diagnostics import DONE, FAILED, say
from devbox.cli.launch import ensure_supervisor
from devbox.cli.replicas import placed
from devbox.cli.verdicts import say_unmet
from devbox.control.client import Client
from devbox.control.protocol import Action, Command, Goal
from devbox.domain.errors import UsageError
from devbox.domain.places import Places
from devbox.domain.spec import AppSpec, Port, ProcessRun, Unit


def run(args: Arguments) -> int:
    project = args.project()
    app = project.load([args.service])
    service = app.service(args.service)
    if service is None:
        there = ", ".join(sorted(each.name for each in app.services))
        raise UsageError(f"no such service: {args.service}", hint=f"There are: {there}.")
    places = Places.of(app.project)
    started = ensure_supervisor(places)
    client = Client(places.socket, places.project)
    needs = () if args.no_deps else tuple(need.service for need in service.needs if need.required)
    try:
        if not _provide(client, app, needs):
            return FAILED
        unit = placed(client, args.service, secrets=True).unit
        if unit is None:
            raise UsageError(f"{args.service} is not part of the mesh")
        if isinstance(unit.spec.run, ProcessRun):
            return _here(unit, args, app, client, places, started)
        return _in_container(unit, args, app, project.environment)
    finally:
        if started:
            _leave_nothing_idle(client, places)


def _provide(client: Client, app: AppSpec, needs: tuple[str, ...]) -> bool:
    """Have what the service needs, ready."""
    action = Action.UP if needs else Action.APPLY
    verdict = bring_up(client, Wanted(app), Command(action, services=needs, by="devbox run", goal=Goal.READY))
    say_unmet(verdict)
    return verdict.ok


def _leave_nothing_idle(client: Client, places: Places) -> None:
    """A supervisor that was started for this and has nothing to supervise ends again."""
    from devbox.cli.commands.down import take_down

    if not any(row["pid"] or row["started_at"] for row in client.get("/v1/state")["rows"]):
        take_down(places, Command(Action.DOWN, by="devbox run"))


def _here(unit: Unit, args: Arguments, app: AppSpec, client: Client, places: Places, started: bool) -> int:
    if started:
        _leave_nothing_idle(client, places)
    own = unit.spec.run.argv if isinstance(unit.spec.run, ProcessRun) else ()
    argv = tuple(args.argv) or tuple(map(str, own))
    if args.entrypoint:
        argv = (*shlex.split(args.entrypoint), *args.argv)
    return run_here(unit, argv, args, app.project, args.project().environment)


def _in_container(unit: Unit, args: Arguments, app: AppSpec, environ: dict[str, str]) -> int:
    from devbox.cli.commands.images import build
    from devbox.runtimes.docker.oneoff import Asked, OneOff, wants_terminal
    from devbox.runtimes.docker.session import engine_session

    asked = Asked(
        env=tuple(with_value(each, environ) for each in args.env or ()),
        user=args.user or "",
        working_dir=args.workdir or "",
        tty=not args.no_tty and not args.detach and wants_terminal(),
        stdin=not args.detach,
        detach=args.detach,
    )
    wanted = OneOff(
        asked=asked,
        argv=tuple(args.argv) if args.argv else None,
        entrypoint=tuple(shlex.split(args.entrypoint)) if args.entrypoint is not None else None,
        name=args.name or "",
        ports=_ports(args),
        service_ports=args.service_ports,
        volumes=tuple(args.volume or ()),
        labels=tuple((name, value) for name, _, value in (each.partition("=") for each in args.label or ())),
        use_aliases=args.use_aliases,
        remove=args.rm,
    )
    with engine_session(app.project, environ) as session:
        session.learn(app)
        if args.build and build(session, [unit.spec], quiet=args.quiet) != DONE:
            return FAILED
        return session.run(unit, wanted, lambda text, done, total: None if args.quiet else say(text))


def _ports(args: Arguments) -> tuple[Port, ...]:
    """The ports of `-p`, in the manifest's short form."""
    if not args.publish:
        return ()
    from devbox.manifest.ports import from_texts

    return tuple(from_texts(args.publish))
