"""Files brought into a running container: one archive for a batch, owned by the container's user."""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
from datetime import datetime
from typing import TYPE_CHECKING

from devbox.domain.errors import StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.base import SyncBatch

if TYPE_CHECKING:
    from docker import APIClient

_COMPARED_AT_MOST = 20
"""Files of one batch whose age in the container is looked at."""

_DELETED_AT_ONCE = 500
_LATER = 1.0
"""Seconds by which a file in the container must be newer to be worth a word."""


class ContainerFiles:
    """Brings files into containers. Keeps for each who its files belong to, and which folders it has."""

    def __init__(self) -> None:
        self._owners: dict[str, tuple[int, int]] = {}
        self._folders: dict[str, set[str]] = {}

    def bring(self, client: APIClient, container: str, batch: SyncBatch) -> tuple[str, ...]:
        """Copy, delete; the files that were newer in the container. Raises StepError."""
        newer = []
        for source, target in batch.copies if len(batch.copies) <= _COMPARED_AT_MOST else ():
            seen = _stat(client, container, target)
            if seen is None:
                continue
            # Where the file is, its folder is too: that needs no look of its own.
            self._folders.setdefault(container, {"/"}).add(posixpath.dirname(target))
            if _is_newer(seen, source):
                newer.append(target)
        if batch.copies:
            client.put_archive(container, "/", self._archive(client, container, batch))
        for first in range(0, len(batch.gone), _DELETED_AT_ONCE):
            _delete(client, container, batch.gone[first : first + _DELETED_AT_ONCE])
        return tuple(newer)

    def _archive(self, client: APIClient, container: str, batch: SyncBatch) -> bytes:
        owner = self._owner(client, container)
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for folder in self._missing(client, container, batch):
                entry = tarfile.TarInfo(folder.lstrip("/"))
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                entry.uid, entry.gid = owner
                archive.addfile(entry)
            for source, target in batch.copies:
                _add(archive, source, target, owner)
        return data.getvalue()

    def _missing(self, client: APIClient, container: str, batch: SyncBatch) -> list[str]:
        """The folders of a batch that the container does not have, outer ones first."""
        known = self._folders.setdefault(container, {"/"})
        missing: dict[str, None] = {}
        for _, target in batch.copies:
            way, folder = [], posixpath.dirname(target)
            while folder not in known and not _exists(client, container, folder):
                way.append(folder)
                known.add(folder)
                folder = posixpath.dirname(folder)
            known.add(folder)
            missing.update(dict.fromkeys(reversed(way)))
        return list(missing)

    def _owner(self, client: APIClient, container: str) -> tuple[int, int]:
        """The user and group that the container runs as, as numbers."""
        if container not in self._owners:
            user, _, group = str(client.inspect_container(container)["Config"].get("User") or "0").partition(":")
            fields = _entry(client, container, "/etc/passwd", user)
            uid = int(user) if user.isdecimal() else int(fields[2]) if fields else 0
            gid = int(fields[3]) if fields else 0
            if group:
                fields = [] if group.isdecimal() else _entry(client, container, "/etc/group", group)
                gid = int(group) if group.isdecimal() else int(fields[2]) if fields else gid
            self._owners[container] = (uid, gid)
        return self._owners[container]


def _add(archive: tarfile.TarFile, source: str, target: str, owner: tuple[int, int]) -> None:
    """One file; one that has gone meanwhile is left out, as its end is told of too."""
    try:
        entry = archive.gettarinfo(source, target.lstrip("/"))
        entry.uid, entry.gid = owner
        entry.uname = entry.gname = ""
        if entry.islnk():
            entry.type, entry.linkname, entry.size = tarfile.REGTYPE, "", os.stat(source).st_size
        if not entry.isreg():
            archive.addfile(entry)
            return
        with open(source, "rb") as file:
            content = file.read()
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    except FileNotFoundError:
        return


def _delete(client: APIClient, container: str, paths: tuple[str, ...]) -> None:
    made = client.exec_create(container, ["rm", "-rf", "--", *paths], user="0")
    output = client.exec_start(made["Id"]).decode("utf-8", "replace")
    if code := client.exec_inspect(made["Id"])["ExitCode"]:
        words = f"{len(paths)} deleted files could not be removed in the container: rm exited with {code}"
        hint = "An image without `rm` cannot have files removed: use `action: rebuild`." if code in (126, 127) else ""
        raise StepError(Failure(FailureKind.ENGINE, words, hint, tail=tuple(output.splitlines()[-5:])))


def _stat(client: APIClient, container: str, path: str) -> dict[str, object] | None:
    """What the engine tells of a path in a container, without its content; None where it is not there."""
    import base64
    import json

    url = client._url("/containers/{0}/archive", container)
    response = client.head(url, params={"path": path}, timeout=client.timeout)
    if response.status_code != 200:
        return None
    found: dict[str, object] = json.loads(base64.b64decode(response.headers["X-Docker-Container-Path-Stat"]))
    return found


def _exists(client: APIClient, container: str, path: str) -> bool:
    return path in ("", "/") or _stat(client, container, path) is not None


def _is_newer(seen: dict[str, object], source: str) -> bool:
    """Whether a file of a container, as the engine tells of it, was written after the one it is to be made from."""
    try:
        here = os.lstat(source).st_mtime
    except OSError:
        return False
    return datetime.fromisoformat(str(seen["mtime"])[:19] + "+00:00").timestamp() > here + _LATER


def _entry(client: APIClient, container: str, file: str, name: str) -> list[str]:
    """The fields of the line of a container's passwd or group file that has this name or number."""
    import docker.errors

    try:
        chunks, _ = client.get_archive(container, file)
    except docker.errors.APIError:
        return []
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        member = archive.extractfile(archive.getmembers()[0])
        text = member.read().decode("utf-8", "replace") if member else ""
    fields = [line.split(":") for line in text.splitlines()]
    return next((each for each in fields if len(each) > 3 - ("group" in file) and name in (each[0], each[2])), [])
