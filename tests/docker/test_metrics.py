"""A real Prometheus scrapes devbox's own metrics, from a port of loopback, beside a mesh of both kinds."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.engine.mesh import SLEEPER, Mesh, script, until

Make = Callable[..., Mesh]

MANIFEST = f"""
name: t7metrics
services:
  prometheus: {{use: prometheus, stop_grace_period: 0s}}
  box: {{image: devbox-test/base, command: sleep 3600, mem_limit: 64m, stop_grace_period: 0s}}
  host: {{command: {script(SLEEPER)}}}
"""


def asked(port: int, query: str) -> list[dict[str, Any]]:
    url = f"http://127.0.0.1:{port}/api/v1/query?query={query}"
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return list(json.load(answer)["data"]["result"])
    return []


def test_a_prometheus_of_the_mesh_scrapes_what_every_replica_uses(mesh: Make) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--wait", "--metrics-port", str(port), limit=120)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert b'devbox_up{project="t7metrics",service="host",replica="1"} 1' in answer.read()
    prometheus = it.rows()["prometheus"]["Publishers"][0]["PublishedPort"]
    memory = "devbox_memory_bytes"
    until(lambda: len(asked(prometheus, memory)) == 3, 40.0, "a scrape of all three")
    used = {each["metric"]["service"]: float(each["value"][1]) for each in asked(prometheus, memory)}
    assert all(value > 100_000 for value in used.values())
    (limit,) = asked(prometheus, "devbox_memory_limit_bytes%7Bservice=%22box%22%7D")
    assert limit["value"][1] == str(64 << 20)
    assert it.ok("up", "--plan").strip() == "nothing to do"
    taken = it.devbox("up", "-d", "--metrics-port", str(prometheus))
    assert taken.returncode == 2
    assert f"metrics cannot be served on 127.0.0.1:{prometheus}: " in taken.stderr
