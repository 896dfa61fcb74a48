"""`devbox up`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from devbox.cli.arguments import Arguments
from devbox.cli.choice import choice_of
from devbox.cli.diagnostics import DONE, FAILED, INTERRUPTED, panel_fits, say
from devbox.cli.launch import ensure_supervisor, supervisor_answers
from devbox.cli.verdicts import say_unmet
from devbox.control.client import Client
from devbox.control.protocol import Action, Changed, Command, Frame, Goal, ManifestChoice, Recreate, Snapshot, Verdict
from devbox.domain.codec import decode, encode
from devbox.domain.errors import DevboxError, UsageError
from devbox.domain.places import Places
from devbox.domain.spec import AppSpec, ContainerRun, ServiceSpec
from devbox.views.jsonl import event_line
from devbox.views.plain import ProgressPrinter


def run(args: Arguments) -> int:
    project = args.project()
    reading = project.read(args.services)
    app = _as_asked(reading.app, args)
    for note in app.notes:
        say(f"note: {note}")
    places = Places.of(app.project)
    if args.plan:
        return _print_plan(args, app, places)
    if not _images_made(app, args, places):
        return FAILED
    if args.remove_orphans:
        from devbox.cli.orphans import remove_orphans

        remove_orphans(app.project, project.environment)
    wanted = Wanted(app, choice_of(reading, project, at_once=args.follow_manifest))
    if not (args.detach or args.wait):
        return _attached(args, wanted, places)
    return _detached(args, wanted, places)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The mesh that is wanted, and where it is described; None: what was followed so far goes on being followed."""

    app: AppSpec
    choice: ManifestChoice | None = None


def _as_asked(app: AppSpec, args: Arguments) -> AppSpec:
    """The manifest with what the flags say about replicas and images."""
    from devbox.cli.commands.act import scales

    counts = dict(scales(args.scale or ()))
    if unknown := counts.keys() - {service.name for service in app.services}:
        raise UsageError(f"no such service: {min(unknown)}")
    policy = args.pull if args.pull in ("missing", "never") else None

    def asked(service: ServiceSpec) -> ServiceSpec:
        service = replace(service, replicas=counts.get(service.name, service.replicas))
        if not isinstance(service.run, ContainerRun):
            return service
        run = service.run
        if policy and run.build is None:
            run = replace(run, options=replace(run.options, pull_policy=policy))
        if args.no_build and run.build is not None:
            run = replace(run, build=None, options=replace(run.options, pull_policy="never"))
        return replace(service, run=run)

    if args.metrics_port is not None and not 0 < args.metrics_port < 65536:
        raise UsageError(f"there is no port {args.metrics_port}")
    return replace(app, services=tuple(map(asked, app.services)), metrics_port=args.metrics_port)


def _images_made(app: AppSpec, args: Arguments, places: Places) -> bool:
    """Pull and build what the flags ask for, and the policies of what runs already, before anything is touched."""
    renewed = [] if args.no_recreate else _renewed_by_policy(app, places)
    if not (args.build or args.pull == "always" or renewed):
        return True
    from devbox.cli.commands.images import build, chosen, ensure, pull
    from devbox.domain.graph import with_needs
    from devbox.runtimes.docker.session import engine_session

    needs = {s.name: [] if args.no_deps else [n.service for n in s.needs if n.required] for s in app.services}
    specs = chosen(app, sorted(with_needs(args.services or needs.keys(), needs)))
    if not any(isinstance(spec.run, ContainerRun) for spec in specs):
        return True
    quiet = args.progress == "quiet"
    with engine_session(app.project, args.project().environment) as session:
        if args.pull == "always" and pull(session, specs, quiet=quiet) != DONE:
            return False
        if ensure(session, [spec for spec in specs if spec.name in renewed], quiet=quiet) != DONE:
            return False
        return not args.build or build(session, specs, quiet=quiet) == DONE


def _renewed_by_policy(app: AppSpec, places: Places) -> frozenset[str]:
    """The services that run and whose policy has their image looked for again; others do so when they start."""
    runs = {s.name: s.run for s in app.services if isinstance(s.run, ContainerRun)}
    asking = {name for name, run in runs.items() if run.options.pull_policy not in _KEEPING}
    if not asking or not supervisor_answers(places):
        return frozenset()
    rows = Client(places.socket, places.project).get("/v1/state")["rows"]
    return frozenset(row["service"] for row in rows if row["service"] in asking and row["pid"])


_KEEPING = frozenset({"", "missing", "if_not_present", "never"})
"""Pull policies by which an image that is here is good enough."""


def _print_plan(args: Arguments, app: AppSpec, places: Places) -> int:
    from devbox.cli.planning import plan_without_supervisor

    if supervisor_answers(places):
        body = {"app": encode(app), "services": args.services}
        print(Client(places.socket, places.project).post("/v1/plan", body)["plan"])
    else:
        print(plan_without_supervisor(app, places, args.services))
    return DONE


def up_command(args: Arguments) -> Command:
    """What to ask the supervisor for, by the flags."""
    ready = args.wait or not args.detach
    return Command(
        Action.UP,
        services=tuple(args.services),
        by="devbox up",
        goal=Goal.READY if ready else Goal.STARTED,
        timeout=args.wait_timeout,
        recreate=_recreate(args),
        alone=args.no_deps,
    )


def _recreate(args: Arguments) -> Recreate:
    if args.force_recreate:
        return Recreate.ALWAYS
    return Recreate.NEVER if args.no_recreate else Recreate.CHANGED


def bring_up(client: Client, wanted: Wanted, command: Command) -> Verdict:
    """Have the supervisor take over the manifest and start services; how that ended."""
    choice = encode(wanted.choice) if wanted.choice is not None else None
    body = {"app": encode(wanted.app), "command": encode(command), "manifest": choice}
    return decode(Verdict, client.post("/v1/up", body))


def _detached(args: Arguments, wanted: Wanted, places: Places) -> int:
    client = Client(places.socket, places.project)
    # Asked beforehand: an interrupt may come while the supervisor is on its way up.
    fresh = not supervisor_answers(places)
    try:
        ensure_supervisor(places)
        if args.progress != "quiet":
            threading.Thread(target=_show_progress, args=(client, args.progress), daemon=True).start()
        verdict = bring_up(client, wanted, up_command(args))
    except KeyboardInterrupt:
        return _interrupted(places, fresh=fresh)
    say_unmet(verdict)
    if not verdict.ok:
        return FAILED
    state = client.get("/v1/state")
    say_notes(state["notes"], known=wanted.app.notes)
    if args.progress != "quiet":
        _say_where(state["rows"])
    if args.timings:
        from devbox.cli.commands.timings import timings_of
        from devbox.views.timings import chart

        print(chart(timings_of(client)))
    return DONE


def _interrupted(places: Places, *, fresh: bool) -> int:
    """Ctrl-C before all was up: a mesh that this command began goes again; one that ran before is left alone."""
    if not fresh:
        say("\ninterrupted; the mesh runs as far as it came. `devbox down` takes it away.")
        return INTERRUPTED
    from devbox.cli.foreground import take_down_unless_interrupted

    take_down_unless_interrupted(places)
    return INTERRUPTED


def _show_progress(client: Client, style: str) -> None:
    """On stderr (for json: on stdout), how the start goes, until the process ends."""
    printer = ProgressPrinter(sys.stderr, time.time())
    try:
        for item in client.lines("/v1/frames", measure="0"):
            frame: Frame = decode(Frame, item)  # type: ignore[arg-type]
            if isinstance(frame, Changed) and style == "json":
                print(*map(event_line, frame.events), sep="\n", flush=True)
                continue
            if isinstance(frame, Changed):
                printer.events(frame.events)
            if isinstance(frame, Snapshot | Changed):
                printer.rows(frame.rows, time.time(), silent=isinstance(frame, Snapshot))
    except (DevboxError, ValueError):
        return


def say_notes(notes: Collection[str], *, known: Collection[str]) -> None:
    """What is to be said of the manifest beyond what was said already: what the engine is too old for."""
    for note in notes:
        if note not in known:
            say(f"note: {note}")


def _say_where(rows: Collection[dict[str, Any]]) -> None:
    """The addresses that a browser opens."""
    for row in rows:
        if row["url"]:
            say(f"  {row['service']}: {row['url']}")


def _attached(args: Arguments, wanted: Wanted, places: Places) -> int:
    from devbox.cli import foreground

    if panel_fits() and not args.no_tui and args.progress in ("auto", "tty"):
        return foreground.panel(wanted, places, up_command(args))
    return foreground.merged_logs(wanted, places, up_command(args), args)
