"""What a service wants done when files change: the rules of `watch:` and of Compose's `develop.watch`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from devbox.domain.container import Hook


class WatchAction(StrEnum):
    """What a change of a watched file leads to. SIGNAL leaves the rest to a server that reloads itself."""

    RESTART = "restart"
    REBUILD = "rebuild"
    SYNC = "sync"
    SYNC_RESTART = "sync+restart"
    SYNC_EXEC = "sync+exec"
    EXEC = "exec"
    SIGNAL = "signal"

    @property
    def syncs(self) -> bool:
        """Whether files are copied into the container."""
        return self in (WatchAction.SYNC, WatchAction.SYNC_RESTART, WatchAction.SYNC_EXEC)

    @property
    def restarts(self) -> bool:
        """Whether the service's instances make way for new ones."""
        return self in (WatchAction.RESTART, WatchAction.SYNC_RESTART, WatchAction.REBUILD)


@dataclass(frozen=True, slots=True)
class WatchRule:
    """One thing that is watched, and what is done about its changes.

    `path` is absolute: a file, or a folder with all that is in it. `target` is where it is in the container, for
    actions that sync. `ignore` and `include` are patterns as in a .gitignore, relative to `path`; with `include` only
    what matches counts. `initial_sync` has everything copied whenever the container is started. `hook` is the command
    of actions with exec. `signal` is sent once the rest is done. `cascade` has those that need the service restarted
    after it. `shown` is `path` as the manifest wrote it.
    """

    path: str
    action: WatchAction
    shown: str = ""
    target: str = ""
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    initial_sync: bool = False
    hook: Hook | None = None
    signal: str = ""
    cascade: bool = False

    def __str__(self) -> str:
        return f"{self.action} on {self.shown or self.path}"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a reload and how long it took, in seconds: `noticed`, `stopped`, `started`, `ready`, `synced`, ..."""

    name: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.name} {duration(self.seconds)}"


def anchored(pattern: str) -> str:
    """A .dockerignore pattern, which starts from the top, as a .gitignore writes it."""
    mark, bare = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    return f"{mark}/{bare.lstrip('/').removeprefix('./')}"


def duration(seconds: float) -> str:
    """`140 ms`, `2.3 s`."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def file_list(files: tuple[str, ...], count: int) -> str:
    """`orders/api.py`, or `orders/api.py and 4,999 more`. `files` are the first of `count`."""
    first = files[0] if files else "files"
    if count == 2 and len(files) == 2:
        return f"{first} and {files[1]}"
    return f"{first} and {count - 1:,} more" if count > 1 else first
