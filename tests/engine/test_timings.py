"""What a real start waited for."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.engine.mesh import SLEEPER, Mesh, script


def test_a_start_tells_what_it_waited_for(mesh: Callable[..., Mesh]) -> None:
    it = mesh(
        f"""
        name: timed
        services:
          slow:
            command: {script("import time; time.sleep(0.6); print('ready', flush=True); time.sleep(3600)")}
            health: {{log: ready}}
          job: {{command: {script("pass")}}}
          top:
            command: {script(SLEEPER)}
            depends_on:
              slow: {{condition: service_healthy}}
              job: {{condition: service_completed_successfully}}
        """
    )
    done = it.devbox("up", "-d", "--wait", "--timings")
    assert done.returncode == 0, done.stderr
    assert "decided by slow → top" in done.stdout
    found = json.loads(it.ok("timings", "--format", "json"))
    assert found["chain"] == ["slow", "top"]
    parts = {each["service"]: each for each in found["services"]}
    assert parts["slow"]["until_ready"] > 0.3
    assert parts["top"]["waited_for"] == "slow"
    assert parts["top"]["waiting"] >= parts["slow"]["until_ready"]
    assert all(each["ready"] for each in parts.values())
