"""An ssh server of one's own on loopback, and the `ssh` that gets in there with a key of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.docker.registry import free_port
from tests.engine.mesh import until

_SERVER = "/usr/sbin/sshd"
_LIMIT = 10


@dataclass(frozen=True)
class Sshd:
    """A server at `port`. `path` has an `ssh` in front that uses the key which is let in."""

    port: int
    path: str


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """A server for as long as this lasts."""
    _install()
    folder.mkdir()
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    (folder / "sshd_config").write_text(_server_settings(folder, port))
    (folder / "ssh_config").write_text(
        f"IdentityFile {folder}/user\nUserKnownHostsFile {folder}/known\nStrictHostKeyChecking accept-new\n"
    )
    (folder / "bin").mkdir()
    (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/ssh_config "$@"\n')
    (folder / "bin" / "ssh").chmod(0o755)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([_SERVER, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        until(lambda: _listens(port), what=f"the ssh server at port {port}")
        yield Sshd(port, f"{folder}/bin:{os.environ['PATH']}")
    finally:
        process.terminate()
        process.wait(_LIMIT)


def _server_settings(folder: Path, port: int) -> str:
    return textwrap.dedent(
        f"""
        Port {port}
        ListenAddress 127.0.0.1
        HostKey {folder}/host
        AuthorizedKeysFile {folder}/user.pub
        PidFile {folder}/pid
        PermitRootLogin prohibit-password
        PasswordAuthentication no
        StrictModes no
        UsePAM no
        """
    )


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _install() -> None:
    if not os.path.exists(_SERVER):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "openssh-server", "openssh-client"]
        subprocess.run(install, env=env, check=True, capture_output=True)
    os.makedirs("/run/sshd", exist_ok=True)
