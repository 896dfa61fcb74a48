"""`devbox logs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, INTERRUPTED, colour_wanted
from devbox.cli.moments import moment
from devbox.control.client import Client
from devbox.control.protocol import Bye
from devbox.domain.codec import decode, encode
from devbox.domain.errors import UsageError
from devbox.domain.log import Level, LogChunk, LogQuery
from devbox.views.plain import LogPrinter


def run(args: Arguments) -> int:
    client = args.project().client()
    names = [row["service"] for row in client.get("/v1/state")["rows"]]
    printer = LogPrinter(
        sys.stdout,
        args.services or names,
        colour=not args.no_color and colour_wanted(sys.stdout.isatty(), args.ansi),
        prefix=not args.no_log_prefix,
        timestamps=args.timestamps,
    )
    try:
        for chunk in _chunks(client, args):
            if args.format == "json":
                _print_json(chunk)
            else:
                printer.chunk(chunk)
    except KeyboardInterrupt:
        return INTERRUPTED
    return DONE


def _chunks(client: Client, args: Arguments) -> Iterator[LogChunk]:
    follow, tail = "1" if args.follow else "0", _tail(args.tail)
    query = _query(args)
    if query is None:
        stream = client.every_line("/v1/logs", service=args.services, tail=tail, follow=follow)
    elif tail is None:
        stream = client.every_line("/v1/logs/search", q=json.dumps(encode(query)), follow=follow)
    elif args.follow:
        raise UsageError(
            "-n with --grep, --level, --since or --until does not go with -f", hint="Leave out one of them."
        )
    else:
        yield from _last(client, query, tail)
        return
    for item in stream:
        if item["is"] == Bye.__name__:
            return
        yield decode(LogChunk, item)


def _last(client: Client, query: LogQuery, count: int) -> list[LogChunk]:
    """The last lines that a query finds, in order of time."""
    from dataclasses import replace

    query = replace(query, limit=count, newest_first=True)
    found = [decode(LogChunk, item) for item in client.every_line("/v1/logs/search", q=json.dumps(encode(query)))]
    return found[::-1]


def _query(args: Arguments) -> LogQuery | None:
    """What the flags look for; None where they leave nothing out."""
    since, until = moment(args.since), moment(args.until)
    if args.grep is None and args.level is None and since is None and until is None:
        return None
    return LogQuery(
        services=tuple(args.services),
        text=args.grep or "",
        regex=True,
        ignore_case=args.ignore_case,
        level=_level(args.level),
        since=since,
        until=until,
    )


def _level(text: str | None) -> Level | None:
    if text is None:
        return None
    from devbox.domain.logformat import level_named

    level = level_named(text)
    if level is None or text.isdigit():
        raise UsageError(f"--level does not know {text!r}", hint=f"One of {', '.join(each.word for each in Level)}.")
    return level


def _tail(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit():
        raise UsageError(f"--tail takes a number of lines or `all`, not {text!r}")
    return int(text)


def _print_json(chunk: LogChunk) -> None:
    for index, line in enumerate(chunk.lines):
        level = chunk.level(index)
        fields = {
            "time": chunk.at,
            "service": chunk.service,
            "replica": chunk.replica,
            "stream": chunk.stream,
            "level": level.word if level else None,
            "message": line,
        }
        print(json.dumps(fields))
    sys.stdout.flush()
