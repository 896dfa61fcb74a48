"""A real engine for the tests: the one that answers, else one that is started here and ended with the tests.

On Debian as root the engine is installed where it is missing. Elsewhere, with no engine, the tests cannot run: one
loud line says so, and in CI that is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENT = "/usr/bin/docker"
_PACKAGES = ("docker.io", "iptables", "debootstrap")
_START_LIMIT = 30.0


class NoEngine(RuntimeError):
    """There is no engine, and none can be had here."""


def answers() -> bool:
    """Whether an engine answers."""
    client = CLIENT if os.path.exists(CLIENT) else shutil.which("docker")
    return client is not None and subprocess.run([client, "info"], capture_output=True).returncode == 0


@contextmanager
def an_engine(log: Path) -> Iterator[None]:
    """An engine that answers for as long as this lasts."""
    if answers():
        yield
        return
    _install()
    with log.open("wb") as output:
        process = subprocess.Popen(["dockerd"], stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + _START_LIMIT
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoEngine(f"dockerd did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _install() -> None:
    if shutil.which("dockerd") and shutil.which("debootstrap"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngine("no container engine answers, and this is no Debian where one could be installed")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=env, check=True, capture_output=True)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]
    subprocess.run(install, env=env, check=True, capture_output=True)
