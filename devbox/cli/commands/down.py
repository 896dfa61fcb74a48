"""`devbox down`."""

from __future__ import annotations

import shutil

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED, say
from devbox.cli.launch import ensure_supervisor, wait_for_end
from devbox.cli.verdicts import say_unmet
from devbox.control.client import Client
from devbox.control.protocol import Action, Command, Verdict
from devbox.domain.codec import decode, encode
from devbox.domain.places import Places

_END_LIMIT = 10.0


def run(args: Arguments) -> int:
    places = args.project().places()
    if not places.run.exists():
        return _nothing_runs(places, remove_data=args.volumes)
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


def _nothing_runs(places: Places, *, remove_data: bool) -> int:
    if remove_data and places.home.exists():
        shutil.rmtree(places.home)
        say(f"nothing of {places.project} runs; its data is deleted")
    else:
        say(f"nothing of {places.project} runs")
    return DONE
