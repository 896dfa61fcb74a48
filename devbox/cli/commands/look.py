"""`devbox top`, `port`, `stats` and `volumes`: small looks at what runs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED, say
from devbox.cli.replicas import placed
from devbox.control.client import Client
from devbox.control.protocol import Measured, Placed
from devbox.domain.codec import decode
from devbox.domain.errors import UsageError
from devbox.domain.instance import Sample
from devbox.views.table import columns, name_of
from devbox.views.usage import ranked, share, usage


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
    """What services use, once or every two seconds."""
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
    chosen = {name: sample for name, sample in samples.items() if _is_of(name, args.services)}
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if args.format == "json":
        for name, sample in ranked(chosen, args.sort):
            print(json.dumps(_figures(name, sample, machine)))
    else:
        print(usage(chosen, args.sort, machine))


def _is_of(name: str, services: Sequence[str]) -> bool:
    """Whether a replica's name, `api` or `api-2`, is one of these services'; with none named, all are."""
    head, _, number = name.rpartition("-")
    return not services or name in services or (number.isdigit() and head in services)


def _figures(name: str, sample: Sample, machine: int) -> dict[str, Any]:
    """Bytes, bytes a second and percent; None for what cannot be measured here."""
    figures = {
        "CPUPerc": sample.cpu,
        "MemUsage": sample.memory,
        "MemLimit": sample.memory_limit,
        "MemPerc": share(sample.memory, machine),
        "LimitPerc": share(sample.memory, sample.memory_limit),
        "NetReceived": sample.net_rx,
        "NetSent": sample.net_tx,
        "DiskRead": sample.disk_read,
        "DiskWritten": sample.disk_write,
        "OpenFiles": sample.open_files,
    }
    return {"Name": name, **{key: round(value, 2) if value is not None else None for key, value in figures.items()}}


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
