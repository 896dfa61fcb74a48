"""`devbox doctor`: what is wrong with this machine or this project's place on it, and how to mend it."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED
from devbox.cli.project import Project
from devbox.domain.errors import DevboxError
from devbox.domain.places import state_home
from devbox.domain.spec import AppSpec, ContainerRun
from devbox.views.words import size

_DISK_WANTED = 2 << 30
_WATCHES_WANTED = 65_536
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_watches")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as it should be, what was seen, and what mends it."""

    what: str
    ok: bool
    seen: str
    mend: str = ""


def run(args: Arguments) -> int:
    findings = list(_findings(args.project()))
    if args.format == "json":
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{'✓' if finding.ok else '✗'} {finding.what}: {finding.seen}")
            if not finding.ok and finding.mend:
                print(f"    {finding.mend}")
    return DONE if all(finding.ok for finding in findings) else FAILED


def _findings(project: Project) -> Iterator[Finding]:
    app: AppSpec | None = None
    try:
        app = project.load()
        yield Finding("manifest", True, ", ".join(app.files))
    except DevboxError as error:
        yield Finding("manifest", False, error.message.splitlines()[0], error.hint or "`devbox config` tells more.")
    if app is None or any(isinstance(service.run, ContainerRun) for service in app.services):
        yield _engine(project.environment)
    if app is not None:
        yield from _ports(app, _held_by_us(project))
        yield from _limits(app)
    yield _disk()
    yield from _inotify()
    yield _localhost()


def _engine(environ: dict[str, str]) -> Finding:
    from devbox.runtimes.docker.endpoint import endpoint
    from devbox.runtimes.docker.engine import connect, errors_in_words

    where = endpoint(environ)
    try:
        with errors_in_words(where):
            client = connect(where)
            version = client.version()["Version"]
            client.close()
    except DevboxError as error:
        return Finding("container engine", False, error.message, error.hint)
    return Finding("container engine", True, f"{version} at {where}")


def _held_by_us(project: Project) -> set[int]:
    """The ports that this project's own services hold."""
    try:
        rows = project.client().get("/v1/state")["rows"]
    except DevboxError:
        return set()
    return {port["published"] for row in rows if row["started_at"] for port in row["ports"]}


def _ports(app: AppSpec, ours: set[int]) -> Iterator[Finding]:
    from devbox.runtimes.process.ports import holder, is_free

    for service in app.services:
        for port in service.ports:
            if port.published is None or port.published in ours or is_free(port.host, port.published, port.protocol):
                continue
            seen = f"held by {holder(port.published)}"
            mend = f"End that process, or give {service.name} another port: {service.origin}"
            yield Finding(f"port {port.published} of {service.name}", False, seen, mend)


def _limits(app: AppSpec) -> Iterator[Finding]:
    runs = [service.run for service in app.services if isinstance(service.run, ContainerRun)]
    wanted = sum(run.limits.memory or 0 for run in runs)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted:
        mend = "Lower `mem_limit` of the largest ones: `devbox stats` tells what they use."
        yield Finding("memory", wanted <= there, f"limits of {size(wanted)} in all, {size(there)} there", mend)


def _disk() -> Finding:
    folder = state_home()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    seen = f"{size(free)} free at {folder}"
    return Finding(
        "disk", free >= _DISK_WANTED, seen, "Free some: `docker system df` tells what images and volumes take."
    )


def _inotify() -> Iterator[Finding]:
    if _INOTIFY.exists():
        count = int(_INOTIFY.read_text())
        mend = "sudo sysctl fs.inotify.max_user_watches=524288"
        yield Finding("inotify watches", count >= _WATCHES_WANTED, f"{count} for each user", mend)


def _localhost() -> Finding:
    try:
        found = socket.getaddrinfo("devbox.localhost", None, family=socket.AF_INET)
    except OSError:
        mend = "Browsers resolve it by themselves; for other programs add names to /etc/hosts."
        return Finding("names under .localhost", True, f"programs cannot resolve them here. {mend}")
    return Finding("names under .localhost", True, str(found[0][4][0]))
