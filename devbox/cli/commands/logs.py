"""`devbox logs`."""

from __future__ import annotations

import json
import sys

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, INTERRUPTED, colour_wanted
from devbox.control.protocol import Bye
from devbox.domain.codec import decode
from devbox.domain.errors import UsageError
from devbox.domain.log import LogChunk
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
    follow = "1" if args.follow else "0"
    try:
        for item in client.lines("/v1/logs", service=args.services, tail=_tail(args.tail), follow=follow):
            if item["is"] == Bye.__name__:
                break
            if args.format == "json":
                _print_json(decode(LogChunk, item))
            else:
                printer.chunk(decode(LogChunk, item))
    except KeyboardInterrupt:
        return INTERRUPTED
    return DONE


def _tail(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit():
        raise UsageError(f"--tail takes a number of lines or `all`, not {text!r}")
    return int(text)


def _print_json(chunk: LogChunk) -> None:
    for line in chunk.lines:
        fields = {
            "time": chunk.at,
            "service": chunk.service,
            "replica": chunk.replica,
            "stream": chunk.stream,
            "level": None,
            "message": line,
        }
        print(json.dumps(fields))
    sys.stdout.flush()
