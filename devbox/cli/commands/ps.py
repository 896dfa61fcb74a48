"""`devbox ps`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import colour_wanted, say
from devbox.domain.errors import NotRunning, UsageError
from devbox.views.table import STOPPED, WireRow, name_of, table


def run(args: Arguments) -> int:
    client = args.project().client()
    try:
        rows = client.get("/v1/state")["rows"]
    except NotRunning as error:
        if args.format == "table" and not args.quiet:
            say(f"{error.message}. {error.hint}")
        return 0
    chosen = _choose(rows, args)
    if args.names_only:
        _print_lines(dict.fromkeys(row["service"] for row in chosen))
    elif args.quiet:
        _print_lines(str(row["pid"]) for row in chosen if row["pid"])
    elif args.format == "json":
        _print_lines(json.dumps(_as_json(row)) for row in chosen)
    else:
        print(table(chosen, time.time(), colour=colour_wanted(sys.stdout.isatty(), args.ansi)))
    return 0


def _print_lines(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _choose(rows: list[WireRow], args: Arguments) -> list[WireRow]:
    known = {row["service"] for row in rows}
    if unknown := [name for name in args.services if name not in known]:
        raise UsageError(f"no such service: {unknown[0]}", hint=f"There are: {', '.join(sorted(known))}.")
    chosen = [row for row in rows if not args.services or row["service"] in args.services]
    if args.status:
        return [row for row in chosen if row["state"] in args.status or row["status"]["phase"] in args.status]
    return chosen if args.all or args.services else [row for row in chosen if row["state"] not in STOPPED]


def _as_json(row: WireRow) -> dict[str, object]:
    return {
        "Name": name_of(row),
        "Service": row["service"],
        "Replica": row["replica"],
        "Runtime": row["runtime"],
        "State": row["status"]["phase"],
        "Health": row["status"]["health"],
        "Status": row["state"],
        "Note": row["note"],
        "ExitCode": row["exit_code"],
        "Restarts": row["status"]["restarts"],
        "Publishers": [
            {
                "URL": port["host"],
                "TargetPort": port["target"],
                "PublishedPort": port["published"],
                "Protocol": port["protocol"],
            }
            for port in row["ports"]
        ],
        "Fingerprint": row["fingerprint"],
        "StartedAt": row["started_at"],
        "Pid": row["pid"],
        "Url": row["url"],
    }
