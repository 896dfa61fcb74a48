"""A real registry on loopback, as the engine may use it without TLS: open, or behind a name and a password."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

from tests.engine.mesh import until

NAME, PASSWORD = "tester", "only-for-tests"


def _program() -> str:
    if shutil.which("docker-registry") is None or not os.path.exists("/bin/busybox"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker-registry", "busybox-static"]
        subprocess.run(install, env=env, check=True, capture_output=True)
    return "docker-registry"


def free_port() -> int:
    """A port of loopback that nobody had a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def a_registry(folder: Path, *, private: bool = False) -> Iterator[str]:
    """The address of a registry with nothing in it, as long as this lasts."""
    folder.mkdir()
    port = free_port()
    address = f"127.0.0.1:{port}"
    (folder / "config.yml").write_text(_configuration(folder, address, private))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([_program(), "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        until(lambda: _listens(port), what=f"the registry at {address}")
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _configuration(folder: Path, address: str, private: bool) -> str:
    text = f"""
        version: 0.1
        storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
        http: {{addr: "{address}"}}
        """
    if private:
        crypt = "print crypt($ARGV[0], q($2y$05$abcdefghijklmnopqrstuu))"
        hashed = subprocess.run(["perl", "-e", crypt, PASSWORD], capture_output=True, text=True, check=True).stdout
        (folder / "htpasswd").write_text(f"{NAME}:{hashed}\n")
        text += f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}\n"
    return textwrap.dedent(text).replace("\n        ", "\n")


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
