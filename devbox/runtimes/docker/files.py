"""Secrets and configs with content of their own: put into a container as files before it starts."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable

from devbox.domain.container import FileContent

_DEFAULT_MODE = 0o444


def archive_of(files: Iterable[FileContent]) -> bytes:
    """A tar archive, to be unpacked at /, of all files that come with their content; empty when there are none."""
    contents = [(file, file.content.encode()) for file in files if file.content is not None]
    if not contents:
        return b""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for file, content in contents:
            info = tarfile.TarInfo(file.target.lstrip("/"))
            info.size = len(content)
            info.mode = file.mode if file.mode is not None else _DEFAULT_MODE
            info.uid, info.gid = int(file.uid or 0), int(file.gid or 0)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
