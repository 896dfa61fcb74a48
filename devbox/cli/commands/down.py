"""`devbox down`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED, say
from devbox.cli.launch import ensure_supervisor, wait_for_end
from devbox.cli.orphans import remove_orphans
from devbox.cli.project import Project
from devbox.cli.verdicts import say_unmet
from devbox.control.client import Client
from devbox.control.protocol import Action, Command, Verdict
from devbox.domain.codec import decode, encode
from devbox.domain.places import Places
from devbox.domain.spec import ContainerRun
from devbox.runtimes.docker.endpoint import answers

_END_LIMIT = 10.0


def run(args: Arguments) -> int:
    project = args.project()
    places = project.places()
    images = _images(project, args.rmi) if args.rmi else []
    if args.remove_orphans:
        remove_orphans(places.project, project.environment)
    code = _down(places, project.environment, args) if places.run.exists() else _nothing_runs(project, places, args)
    if images and code == DONE:
        _remove_images(places.project, project.environment, images)
    return code


def _down(places: Places, environ: Mapping[str, str], args: Arguments) -> int:
    # A killed supervisor's mesh still runs: a new one finds it and takes it away.
    ensure_supervisor(places)
    verdict = take_down(places, Command(Action.DOWN, by="devbox down", grace=args.timeout, volumes=args.volumes))
    say_unmet(verdict)
    return DONE if verdict.ok else FAILED


def take_down(places: Places, command: Command) -> Verdict:
    """Have the supervisor take everything away, and wait until it is gone itself."""
    client = Client(places.socket, places.project)
    pid = int(client.get("/v1/state")["supervisor_pid"])
    verdict = decode(Verdict, client.post("/v1/command", encode(command)))
    if verdict.ok and not wait_for_end(pid, _END_LIMIT):
        say(f"the supervisor (pid {pid}) takes long to end")
    return verdict


def _nothing_runs(project: Project, places: Places, args: Arguments) -> int:
    if not args.volumes:
        say(f"nothing of {places.project} runs")
        return DONE
    if places.home.exists():
        shutil.rmtree(places.home)
    if answers(project.environment):
        from devbox.runtimes.docker.session import engine_session

        with engine_session(places.project, project.environment) as session:
            session.remove_remains()
    say(f"nothing of {places.project} runs; its data is deleted")
    return DONE


def _images(project: Project, which: str) -> list[str]:
    """The images of a project's containers: all, or (`local`) those built here under a name of devbox's choice."""
    app = project.load()
    runs = {service.name: service.run for service in app.services if isinstance(service.run, ContainerRun)}
    own = [run.image for name, run in runs.items() if run.build is not None and run.image == f"{app.project}-{name}"]
    return own if which == "local" else sorted({run.image for run in runs.values()})


def _remove_images(project: str, environ: Mapping[str, str], images: list[str]) -> None:
    from devbox.runtimes.docker.session import engine_session

    with engine_session(project, environ) as session:
        for name in session.remove_images(images):
            say(f"removed image {name}")
