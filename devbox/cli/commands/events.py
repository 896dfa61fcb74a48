"""`devbox events`."""

from __future__ import annotations

import time
from collections.abc import Iterator

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import INTERRUPTED
from devbox.control.client import Client
from devbox.domain.codec import decode
from devbox.domain.event import Event
from devbox.views.jsonl import event_line


def run(args: Arguments) -> int:
    client = args.project().client()
    try:
        for event in _events(client, args.since, follow=not args.no_follow):
            if not args.services or event.service in args.services:
                print(event_line(event) if args.format == "json" else _text(event), flush=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _events(client: Client, since: int | None, *, follow: bool) -> Iterator[Event]:
    """Events of the journal after `since` (None: none; without `follow`: all), then those that come."""
    if not follow:
        yield from _journal(client, since or 0)
        return
    for item in client.lines("/v1/frames", measure="0"):
        if item["is"] == "Snapshot" and since is not None:
            yield from (event for event in _journal(client, since) if event.seq <= item["seq"])
        elif item["is"] == "Changed":
            yield from (decode(Event, event) for event in item["events"])


def _journal(client: Client, since: int) -> list[Event]:
    return [decode(Event, item) for item in client.get("/v1/events", since=since)]


def _text(event: Event) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(event.at)) + f".{int(event.at % 1 * 1000):03}"
    cause = f"  [{event.seq} because of {event.cause}]" if event.cause else f"  [{event.seq}]"
    return f"{at}  {event.service or '-'}  {event.describe()}{cause}"
