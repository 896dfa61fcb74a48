"""How long a manifest of three hundred services takes to be read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.figures import Figure, median_of
from devbox.manifest import load

COUNT = 300


def _manifest() -> str:
    lines = ["name: many", "services:"]
    for number in range(COUNT):
        lines += [
            f"  s{number}:",
            "    image: registry.example/team/service:1.0",
            "    command: serve --port 8000 --verbose",
            "    environment:",
            "      LOG_LEVEL: ${LOG_LEVEL:-info}",
            f"      NAME: service-{number}",
            "    ports: ['8000']",
            "    healthcheck: {test: [CMD, curl, localhost], interval: 10s}",
            *([f"    depends_on: [s{number - 1}]"] if number else []),
        ]
    return "\n".join(lines)


def measure() -> list[Figure]:
    """The manifest as a whole, with variables, ports, checks and dependencies."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "compose.yaml"
        file.write_text(_manifest())

        def read() -> None:
            load(
                [file], environment=dict(os.environ), secrets=lambda *_: "secret", data_dir=lambda name: f"/data/{name}"
            )

        return [Figure(f"a manifest of {COUNT} services, read", median_of(read, 7), "s", 0.3)]
