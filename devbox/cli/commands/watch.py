"""`devbox watch`."""

from __future__ import annotations

import time
from collections.abc import Iterator

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, INTERRUPTED, say
from devbox.control.client import Client
from devbox.control.protocol import Bye, Changed, Snapshot
from devbox.domain.codec import decode
from devbox.domain.event import Event, Reloaded, ReloadFailed, WatchNoted
from devbox.views.jsonl import event_line


def run(args: Arguments) -> int:
    """What saves lead to, as it happens. The supervisor watches anyway; this only tells of it."""
    project = args.project()
    try:
        for event in _reloads(project.client(), args):
            print(event_line(event) if args.format == "json" else _text(event), flush=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    return DONE


def _reloads(client: Client, args: Arguments) -> Iterator[Event]:
    for item in client.lines("/v1/frames", measure="0"):
        if item["is"] == Snapshot.__name__:
            say(_watched(args))
        elif item["is"] == Changed.__name__:
            yield from filter(lambda event: _tells(event, args.services), map(_event, item["events"]))
        elif item["is"] == Bye.__name__:
            return


def _event(item: object) -> Event:
    return decode(Event, item)


def _tells(event: Event, services: list[str]) -> bool:
    if isinstance(event.body, WatchNoted):
        return not event.body.service or not services or event.body.service in services
    return isinstance(event.body, Reloaded | ReloadFailed) and (not services or event.service in services)


def _watched(args: Arguments) -> str:
    """Which services the manifest has watched."""
    app = args.project().load(args.services)
    names = [s.name for s in app.services if s.watch and (not args.services or s.name in args.services)]
    if not names:
        return "nothing is watched: give a service `watch: [./src]`, or Compose's `develop.watch`"
    return f"watching the files of {', '.join(names)}; Ctrl-C ends this, and the mesh goes on"


def _text(event: Event) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(event.at))
    body = event.body
    lines = [f"{at}  {event.service or '-'}  {event.describe()}"]
    if isinstance(body, Reloaded | ReloadFailed) and body.parts:
        lines.append(f"          {', '.join(map(str, body.parts))}")
    if isinstance(body, ReloadFailed):
        lines += [f"          {line}" for line in body.tail]
    return "\n".join(lines)
