"""`devbox ps`."""

from __future__ import annotations

import json
import time

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import colour_wanted, say
from devbox.control.protocol import Row, Snapshot
from devbox.domain.codec import decode
from devbox.domain.errors import NotRunning, UsageError
from devbox.views.table import STOPPED, table


def run(args: Arguments) -> int:
    client = args.project().client()
    try:
        rows = decode(Snapshot, client.get("/v1/state")).rows
    except NotRunning as error:
        if args.format == "table" and not args.quiet:
            say(f"{error.message}. {error.hint}")
        return 0
    chosen = _choose(rows, args)
    if args.names_only:
        print(*dict.fromkeys(row.service for row in chosen), sep="\n")
    elif args.quiet:
        print(*(row.pid for row in chosen if row.pid), sep="\n")
    elif args.format == "json":
        for row in chosen:
            print(json.dumps(_as_json(row)))
    else:
        print(table(chosen, time.time(), colour=colour_wanted(_to_terminal(), args.ansi)))
    return 0


def _to_terminal() -> bool:
    import sys

    return sys.stdout.isatty()


def _choose(rows: tuple[Row, ...], args: Arguments) -> list[Row]:
    known = {row.service for row in rows}
    if unknown := [name for name in args.services if name not in known]:
        raise UsageError(f"no such service: {unknown[0]}", hint=f"There are: {', '.join(sorted(known))}.")
    chosen = [row for row in rows if not args.services or row.service in args.services]
    if args.status:
        return [row for row in chosen if row.state in args.status or row.status.phase in args.status]
    return chosen if args.all or args.services else [row for row in chosen if row.state not in STOPPED]


def _as_json(row: Row) -> dict[str, object]:
    return {
        "Name": row.name,
        "Service": row.service,
        "Replica": row.replica,
        "Runtime": row.runtime,
        "State": row.status.phase.value,
        "Health": row.status.health.value,
        "Status": row.state,
        "Note": row.note,
        "ExitCode": row.exit_code,
        "Restarts": row.status.restarts,
        "Publishers": [
            {"URL": p.host, "TargetPort": p.target, "PublishedPort": p.published, "Protocol": p.protocol}
            for p in row.ports
        ],
        "Fingerprint": row.fingerprint,
        "StartedAt": row.started_at,
        "Pid": row.pid,
        "Url": row.url,
    }
