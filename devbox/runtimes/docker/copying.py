"""Files into and out of containers, by the rules of `docker cp`."""

from __future__ import annotations

import os
import posixpath
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from devbox.domain.errors import UsageError

if TYPE_CHECKING:
    from docker import APIClient

_SPOOL = 64 * 1024 * 1024
STDIO = "-"


def copy_from(client: APIClient, container: str, path: str, target: str, *, follow: bool) -> None:
    """Copy a file or folder of a container to this machine; `-` writes a tar archive to stdout."""
    if follow:
        path = _followed(client, container, path)
    chunks, stat = client.get_archive(container, path)
    if target == STDIO:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        return
    contents = path.endswith("/.")
    local = Path(target)
    if not local.is_dir() and not (local.parent.is_dir() or contents):
        raise UsageError(f"there is no directory {local.parent}", hint="Make it first.")
    with _spooled(chunks) as file, tarfile.open(fileobj=file) as archive:
        into, renamed = (local, None) if local.is_dir() else (local.parent, local.name)
        if contents and not local.exists():
            local.mkdir()
            into, renamed = local, None
        archive.extractall(into, members=_members(archive, str(stat["name"]), renamed, contents), filter="data")


def copy_to(client: APIClient, container: str, source: str, path: str, *, follow: bool) -> None:
    """Copy a file or folder of this machine into a container; `-` reads a tar archive from stdin."""
    if source == STDIO:
        client.put_archive(container, path, sys.stdin.buffer.read())
        return
    local = Path(source)
    if not os.path.lexists(local):
        raise UsageError(f"there is no file {source} here")
    folder, name = _destination(client, container, path, local, contents=source.endswith("/."))
    with tempfile.SpooledTemporaryFile(_SPOOL) as file:
        with tarfile.open(fileobj=file, mode="w", dereference=follow) as archive:
            archive.add(local, arcname=name or ".")
        file.seek(0)
        client.put_archive(container, folder, file)


def _destination(client: APIClient, container: str, path: str, local: Path, *, contents: bool) -> tuple[str, str]:
    """The folder of the container that an archive is unpacked in, and what the file is called in it."""
    if _is_directory(client, container, path):
        return path, "" if contents else local.resolve().name
    if path.endswith("/"):
        raise UsageError(f"there is no directory {path} in the container")
    return posixpath.dirname(path) or "/", posixpath.basename(path)


def _is_directory(client: APIClient, container: str, path: str) -> bool:
    import docker.errors

    try:
        _, stat = client.get_archive(container, f"{path.rstrip('/')}/.")
    except docker.errors.APIError:
        return False
    return bool(stat)


def _followed(client: APIClient, container: str, path: str) -> str:
    _, stat = client.get_archive(container, path)
    target = stat.get("linkTarget")
    return posixpath.join(posixpath.dirname(path), target) if target else path


def _members(archive: tarfile.TarFile, name: str, renamed: str | None, contents: bool) -> Iterator[tarfile.TarInfo]:
    """The members as they shall be called here: beneath their new name, or without the folder around them."""
    for member in archive:
        parts = PurePosixPath(member.name).parts
        if contents:
            parts = parts[1:] if parts and parts[0] == name else parts
        elif renamed is not None:
            parts = (renamed, *parts[1:])
        if parts:
            yield member.replace(name="/".join(parts), deep=False)


@contextmanager
def _spooled(chunks: Iterable[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        yield file
