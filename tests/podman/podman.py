"""Podman's Docker-compatible socket, of an engine with a store and a network namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.docker.engine import CLIENT
from tests.engine.mesh import until

_PACKAGES = ("podman", "runc", "netavark", "aardvark-dns", "catatonit")
_SETTINGS = """
    [containers]
    default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
    [engine]
    runtime = "runc"
    exit_command_delay = 1
    [network]
    network_backend = "netavark"
    """
"""What runs on a machine with little in it: no more files than it allows, and both kinds of control groups. What
watches a command in a container stays no longer than a second after it; unasked, five minutes."""

_SERVICE = (
    "ip link set lo up && mkdir -p /run/containers && mount -t tmpfs tmpfs /run/containers &&"
    " exec podman --root {0}/root --runroot {0}/run --tmpdir {0}/tmp --network-config-dir {0}/net"
    " --cgroup-manager cgroupfs --events-backend file system service --time=0 unix://{0}/p.sock"
)
_LIMIT = 30.0


@dataclass(frozen=True)
class Podman:
    """`address` is its socket, `pid` the process in whose network namespace its ports are published."""

    address: str
    pid: int

    @property
    def enter(self) -> tuple[str, ...]:
        """The command that runs another one where the published ports are."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net")

    def docker(self, *args: str) -> str:
        """What Docker's own client says there."""
        return subprocess.run([CLIENT, "-H", self.address, *args], capture_output=True, text=True, check=True).stdout


@contextmanager
def podman(folder: Path, image: str) -> Iterator[Podman]:
    """Podman with one of the engine's images, for as long as this lasts."""
    _install()
    (folder / "containers.conf").write_text(textwrap.dedent(_SETTINGS))
    with (folder / "service.log").open("wb") as log:
        argv = ["unshare", "--net", "--mount", "sh", "-c", _SERVICE.format(folder)]
        env = {**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf")}
        process = subprocess.Popen(argv, env=env, stdout=log, stderr=log, start_new_session=True)
    it = Podman(f"unix://{folder}/p.sock", process.pid)
    try:
        ask = [CLIENT, "-H", it.address, "version"]
        until(lambda: subprocess.run(ask, capture_output=True).returncode == 0, _LIMIT, "Podman's socket")
        with subprocess.Popen([CLIENT, "save", image], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                [CLIENT, "-H", it.address, "load", "-q"], stdin=saved.stdout, check=True, capture_output=True
            )
        yield it
    finally:
        if left := it.docker("ps", "-aq").split():
            it.docker("rm", "-f", *left)
        process.terminate()
        process.wait(_LIMIT)
        _end_what_stays(folder)


def _install() -> None:
    if shutil.which("podman") and os.path.exists("/usr/libexec/podman/catatonit"):
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=env, check=True, capture_output=True)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]
    subprocess.run(install, env=env, check=True, capture_output=True)


def _end_what_stays(folder: Path) -> None:
    """End what Podman leaves running: what serves names to containers, and what watched over them."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = [*process.cmdline(), process.environ().get("CONTAINERS_CONF", "")]
            if f"{folder}{os.sep}" in " ".join(words) and process.pid != os.getpid():
                process.kill()
