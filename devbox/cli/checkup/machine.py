"""This machine: disk, inotify, names."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from devbox.cli.checkup.finding import Finding
from devbox.domain.places import state_home
from devbox.runtimes.docker.facts import EngineFacts
from devbox.views.words import size

_DISK_WANTED = 2 << 30
_KERNEL = Path("/proc/sys/fs/inotify")
_INOTIFY = (("max_user_watches", 65_536, 524_288), ("max_user_instances", 128, 512))
"""What the kernel calls it, how many there should be, and how many to ask for."""


def findings(facts: EngineFacts | None) -> Iterator[Finding]:
    yield from _disk(facts)
    yield from _inotify()
    yield _localhost()


def _disk(facts: EngineFacts | None) -> Iterator[Finding]:
    folder = state_home()
    while not folder.exists():
        folder = folder.parent
    yield _free("disk", folder, f"`du -sh {state_home()}/*` tells what projects keep; `devbox down -v` drops it.")
    root = Path(facts.root) if facts is not None and facts.root else None
    if root is not None and root.is_dir() and os.stat(root).st_dev != os.stat(folder).st_dev:
        yield _free(
            "disk of the engine",
            root,
            "`docker system df` tells what images and volumes take; `docker system prune` drops what is unused.",
        )


def _free(what: str, folder: Path, mend: str) -> Finding:
    free = shutil.disk_usage(folder).free
    return Finding(what, free >= _DISK_WANTED, f"{size(free)} free at {folder}", "" if free >= _DISK_WANTED else mend)


def _inotify() -> Iterator[Finding]:
    for name, wanted, better in _INOTIFY:
        file = _KERNEL / name
        if file.exists():
            count = int(file.read_text())
            mend = f"`sudo sysctl fs.inotify.{name}={better}`" if count < wanted else ""
            yield Finding(f"inotify {name.rpartition('_')[2]}", count >= wanted, f"{count} for each user", mend)


def _localhost() -> Finding:
    try:
        found = socket.getaddrinfo("devbox.localhost", None, family=socket.AF_INET)
    except OSError:
        mend = "Browsers resolve it by themselves; for other programs add names to /etc/hosts."
        return Finding("names under .localhost", True, f"programs cannot resolve them here. {mend}")
    return Finding("names under .localhost", True, str(found[0][4][0]))
