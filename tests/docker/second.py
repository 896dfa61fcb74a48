"""A second engine, in a network namespace of its own, for tests that end an engine underneath a mesh."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.docker.engine import CLIENT
from tests.engine.mesh import until

_SCRIPT = (
    "ip link set lo up && exec dockerd -H unix://{0}/e.sock {1} --data-root {0}/data --exec-root {0}/exec -p {0}/pid"
)
_LIMIT = 30.0


@dataclass
class SecondEngine:
    """An engine that may be started and ended at will. `folder` holds all it has, `options` are for dockerd."""

    folder: Path
    options: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def address(self) -> str:
        return f"unix://{self.folder}/e.sock"

    def docker(self, *args: str, check: bool = True) -> str:
        """What the engine's own client says."""
        done = subprocess.run([CLIENT, "-H", self.address, *args], capture_output=True, text=True, check=check)
        return done.stdout

    def start(self) -> None:
        """Have it answer."""
        # One that was killed leaves the word that its containerd still runs, and the next one waits for that.
        for old in (self.folder / "exec" / "containerd").glob("containerd.*"):
            old.unlink()
        with (self.folder / "dockerd.log").open("ab") as log:
            argv = ["unshare", "--net", "sh", "-c", _SCRIPT.format(self.folder, self.options)]
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        ask = [CLIENT, "-H", self.address, "info"]
        until(lambda: subprocess.run(ask, capture_output=True).returncode == 0, _LIMIT, "the second engine")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_LIMIT)
            self._process = None


@contextmanager
def second_engine(folder: Path, *images: str, options: str = "") -> Iterator[SecondEngine]:
    """A second engine with some of the first one's images, for as long as this lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    it = SecondEngine(folder, options)
    it.start()
    try:
        with subprocess.Popen([CLIENT, "save", *images], stdout=subprocess.PIPE) as saved:
            load = [CLIENT, "-H", it.address, "load", "-q"]
            subprocess.run(load, stdin=saved.stdout, check=True, capture_output=True)
        yield it
    finally:
        left = it.docker("ps", "-aq", check=False).split()
        if left:
            it.docker("rm", "-f", *left, check=False)
        it.end()
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """Give back what the engine mounted, so that its folder can be removed."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed([each for each in mounts if each.startswith(f"{folder}{os.sep}")]):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
