"""A Compose file of tests/meshes/cases in a directory of its own, brought up and taken down by devbox."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.docker.remains import Things, left
from tests.engine.mesh import Mesh, until
from tests.meshes.engine import docker, eventually

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "cases"
SETTINGS = {
    "PIHOLE_PW": "of-a-test",
    "PIHOLE_ROUTER_IP": "192.0.2.1",
    "PIHOLE_NETWORK_DOMAIN": "example",
    "PIHOLE_REVERSE_DNS": "192.0.2.0/24",
    "PIHOLE_HOST_IP": "127.0.0.1",
    "PIHOLE_HOST_IPV6": "::1",
    "TIMEZONE": "Etc/UTC",
    "VPN_SERVER_URL": "wireguard",
}
"""What whoever runs these meshes is asked to set."""


@dataclass
class Case(Mesh):
    """A mesh whose Compose file is there already."""

    @property
    def project(self) -> str:
        return self.manifest.lower()

    def write(self, manifest: str) -> None:
        shutil.copytree(CASES / manifest, self.directory, dirs_exist_ok=True)

    def up(self) -> None:
        self.ok("up", "-d", "--wait", limit=300.0)

    def down(self) -> None:
        self.ok("down", "-v", limit=120.0)
        until(lambda: not self.processes(), 30.0, "the end of the supervisor")

    def exec(self, service: str, *words: str) -> str:
        return self.ok("exec", "-T", service, *words)

    def end(self) -> None:
        super().end()
        images = docker("image", "ls", "-q", f"{self.project}-*").split()
        if images:
            docker("image", "rm", "-f", *images)

    def left(self, before: Things) -> list[str]:
        """What of this project, or of nobody, is there that was not before."""
        return left(before, [self.project])


def case(name: str, tmp_path: Path) -> Case:
    env = {**os.environ, **SETTINGS, "DEVBOX_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
    env["HOME"] = str(tmp_path)
    return Case(tmp_path / name, name, env)


def get(port: int, path: str = "/", auth: httpx.BasicAuth | None = None) -> httpx.Response:
    """What the port of the host answers; `--wait` promises no more than health checks, so it may take a while."""
    url = f"http://127.0.0.1:{port}{path}"

    def look() -> httpx.Response:
        try:
            answer = httpx.get(url, trust_env=False, timeout=10, auth=auth)
        except httpx.TransportError as exc:
            raise OSError(f"{url}: {exc!r}") from exc
        assert answer.status_code < 500, f"{url}: {answer.status_code} {answer.text[:500]}"
        return answer

    return eventually(look)
