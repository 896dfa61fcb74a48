"""Where a project keeps its things on this machine.

    <state>/<project>/                 0700
        data/<volume>/                 databases; survives `down`, goes with `down -v`
        data/seeds.json                which seeds were applied to which data
        secrets.json                   passwords made once for that data; goes with it
        run/                           everything else; goes with `down`
            socket, lock, project.json, supervisor.log, keeper.sock, journal.jsonl, logs/, records/

`<state>` is $DEVBOX_STATE_HOME, else $XDG_STATE_HOME/devbox, else ~/.local/state/devbox. A Unix socket's path may have
107 bytes at most (sun_path in unix(7)), so the two sockets move to a short directory where the state's path is long.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_LONGEST_SOCKET_PATH = 100


def state_home() -> Path:
    """The directory that holds one directory for each project."""
    if own := os.environ.get("DEVBOX_STATE_HOME"):
        return Path(own)
    xdg = os.environ.get("XDG_STATE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".local" / "state") / "devbox"


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of one project. Nothing is created by looking at them."""

    project: str
    home: Path

    @classmethod
    def of(cls, project: str) -> Places:
        return cls(project, state_home() / project)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def seeds(self) -> Path:
        return self.data / "seeds.json"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets.json"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def about(self) -> Path:
        """`project.json`: pid of the supervisor, configuration files, when it started."""
        return self.run / "project.json"

    @property
    def journal(self) -> Path:
        return self.run / "journal.jsonl"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def records(self) -> Path:
        return self.run / "records"

    @property
    def supervisor_log(self) -> Path:
        return self.run / "supervisor.log"

    @property
    def socket(self) -> Path:
        return self._short("socket")

    @property
    def keeper_socket(self) -> Path:
        return self._short("keeper.sock")

    @property
    def door_socket(self) -> Path:
        return self._short("door.sock")

    def _short(self, name: str) -> Path:
        path = self.run / name
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        return self.socket_dir / name

    @property
    def socket_dir(self) -> Path:
        """Where sockets are: `run`, or a short directory of this user's own when that path is too long."""
        if len(os.fsencode(self.run / "keeper.sock")) <= _LONGEST_SOCKET_PATH:
            return self.run
        import hashlib
        import tempfile

        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"devbox-{os.getuid()}-{digest}"
