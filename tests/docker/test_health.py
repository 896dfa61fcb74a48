"""A check that passes before anybody could connect: the server of a first start, on a socket of its own."""

from __future__ import annotations

from collections.abc import Callable

from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]

MANIFEST = """
name: health
services:
  db:
    image: redis:7
    command: sh -c "touch /tmp/well; sleep 1.5; exec redis-server --bind 0.0.0.0 --protected-mode no"
    healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 20s}
    stop_grace_period: 0s
  worker:
    image: redis:7
    command: sleep 3600
    healthcheck: {test: [CMD, "true"], interval: 1s}
    stop_grace_period: 0s
  api:
    image: redis:7
    command: redis-cli -h db ping
    depends_on: {db: {condition: service_healthy}, worker: {condition: service_healthy}}
"""


def test_a_check_counts_early_only_once_somebody_listens_and_at_its_interval_anyhow(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.ok("up", "-d", "--wait")
    assert it.rows()["api"]["State"] == "completed"
    assert "PONG" in it.ok("logs", "api")
