"""`devbox up`."""

from __future__ import annotations

import sys
import threading
import time

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED, INTERRUPTED, say
from devbox.cli.launch import ensure_supervisor
from devbox.cli.verdicts import say_unmet
from devbox.control.client import Client
from devbox.control.protocol import Action, Changed, Command, Frame, Goal, Snapshot, Verdict
from devbox.domain.codec import decode, encode
from devbox.domain.errors import DevboxError
from devbox.domain.places import Places
from devbox.domain.spec import AppSpec
from devbox.views.jsonl import event_line
from devbox.views.plain import ProgressPrinter


def run(args: Arguments) -> int:
    app = args.project().load()
    for note in app.notes:
        say(f"note: {note}")
    places = Places.of(app.project)
    if args.plan:
        return _print_plan(args, app, places)
    if not (args.detach or args.wait):
        return _attached(args, app, places)
    return _detached(args, app, places)


def _print_plan(args: Arguments, app: AppSpec, places: Places) -> int:
    from devbox.cli.launch import supervisor_answers
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
    )


def bring_up(client: Client, app: AppSpec, command: Command) -> Verdict:
    """Have the supervisor take over the manifest and start services; how that ended."""
    return decode(Verdict, client.post("/v1/up", {"app": encode(app), "command": encode(command)}))


def _detached(args: Arguments, app: AppSpec, places: Places) -> int:
    client = Client(places.socket, places.project)
    started = False
    try:
        started = ensure_supervisor(places)
        if args.progress != "quiet":
            threading.Thread(target=_show_progress, args=(client, args.progress), daemon=True).start()
        verdict = bring_up(client, app, up_command(args))
    except KeyboardInterrupt:
        return _interrupted(places, fresh=started)
    say_unmet(verdict)
    if not verdict.ok:
        return FAILED
    if args.progress != "quiet":
        _say_where(client, app)
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
            elif isinstance(frame, Snapshot | Changed):
                printer.rows(frame.rows, time.time(), silent=isinstance(frame, Snapshot))
    except (DevboxError, ValueError):
        return


def _say_where(client: Client, app: AppSpec) -> None:
    """The addresses that a browser opens."""
    for row in client.get("/v1/state")["rows"]:
        if row["url"]:
            say(f"  {row['service']}: {row['url']}")


def _attached(args: Arguments, app: AppSpec, places: Places) -> int:
    from devbox.cli import foreground

    if sys.stdout.isatty() and sys.stdin.isatty() and not args.no_tui and args.progress in ("auto", "tty"):
        return foreground.panel(app, places, up_command(args))
    return foreground.merged_logs(app, places, up_command(args), args)
