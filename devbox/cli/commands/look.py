"""`devbox top`, `port`, `stats` and `volumes`: small looks at what runs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED, say
from devbox.cli.replicas import placed
from devbox.control.client import Client
from devbox.control.protocol import Measured, Placed
from devbox.domain.codec import decode
from devbox.domain.errors import UsageError
from devbox.domain.instance import Sample
from devbox.views.table import columns, name_of
from devbox.views.words import size


def run(args: Arguments) -> int:
    return {"top": _top, "port": _port, "stats": _stats, "volumes": _volumes}[args.command](args)


def _top(args: Arguments) -> int:
    """The processes of each service."""
    project = args.project()
    client = project.client()
    for row in client.get("/v1/state")["rows"]:
        if (args.services and row["service"] not in args.services) or not row["started_at"]:
            continue
        found = placed(client, row["service"], row["replica"])
        if found.ref is None:
            continue
        print(name_of(row))
        if found.ref.runtime == "process":
            titles, rows = _own_processes(row["pid"])
        else:
            from devbox.runtimes.docker.session import engine_session

            with engine_session(project.name(), project.environment) as session:
                titles, rows = session.top(found.ref.id)
        print(columns(titles, [tuple(each) for each in rows]), end="\n\n")
    return DONE


def _own_processes(pid: int) -> tuple[list[str], list[list[str]]]:
    import psutil

    rows = []
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        for process in [first, *first.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                used = process.cpu_times()
                started = time.strftime("%H:%M", time.localtime(process.create_time()))
                spent = f"{used.user + used.system:.1f}s"
                command = " ".join(process.cmdline()) or process.name()
                rows.append([process.username(), str(process.pid), str(process.ppid()), started, spent, command])
    return ["UID", "PID", "PPID", "STIME", "TIME", "CMD"], rows


def _port(args: Arguments) -> int:
    """The address that a port of a service is published at."""
    found: Placed = placed(args.project().client(), args.service, args.index)
    ports = found.unit.spec.ports if found.unit else ()
    wanted = [p for p in ports if args.private_port in (None, p.target) and p.protocol == args.protocol]
    if not wanted:
        raise UsageError(
            f"{args.service} publishes no port {args.private_port or ''}/{args.protocol}".replace(" /", " of "),
            hint=f"It publishes: {', '.join(map(str, ports)) or 'none'}.",
        )
    for port in wanted:
        address = f"{port.host}:{port.published or port.target}"
        print(address if args.private_port else f"{port.target}/{port.protocol} -> {address}")
    return DONE


def _stats(args: Arguments) -> int:
    """CPU and memory, once or every two seconds."""
    client = args.project().client()
    rounds = _samples(client)
    if args.no_stream:
        last = next(rounds, None)
        if last is None:
            return FAILED
        _print_samples(last, args)
        return DONE
    for samples in rounds:
        if sys.stdout.isatty() and args.format == "table":
            sys.stdout.write("\x1b[H\x1b[J")
        _print_samples(samples, args)
        sys.stdout.flush()
    return DONE


def _samples(client: Client) -> Iterator[dict[str, Sample]]:
    """What the supervisor measures, round by round, as long as somebody listens."""
    for item in client.lines("/v1/frames"):
        if item.get("is") == "Measured":
            yield decode(Measured, item).samples


def _print_samples(samples: dict[str, Sample], args: Arguments) -> None:
    chosen = {n: s for n, s in sorted(samples.items()) if not args.services or n.partition("-")[0] in args.services}
    if args.format == "json":
        for name, sample in chosen.items():
            print(json.dumps({"Name": name, "CPUPerc": round(sample.cpu, 2), "MemUsage": sample.memory}))
        return
    print(columns(("NAME", "CPU %", "MEMORY"), [(n, f"{s.cpu:.1f}", size(s.memory)) for n, s in chosen.items()]))


def _volumes(args: Arguments) -> int:
    """The volumes of the project."""
    from devbox.runtimes.docker.session import engine_session

    project = args.project()
    with engine_session(project.name(), project.environment) as session:
        found = session.volumes()
    if args.quiet:
        sys.stdout.writelines(f"{volume.name}\n" for volume in found)
    elif args.format == "json":
        sys.stdout.writelines(
            f"{json.dumps({'Name': v.name, 'Driver': v.driver, 'Key': v.key, 'Anonymous': v.anonymous})}\n"
            for v in found
        )
    elif found:
        print(columns(("DRIVER", "VOLUME NAME", "KEY"), [(v.driver, v.name, v.key or "(nameless)") for v in found]))
    else:
        say(f"{project.name()} has no volumes")
    return DONE
