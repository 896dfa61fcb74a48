"""Accidents staged in containers, and whether `devbox why` names the staged one first."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.engine.mesh import Mesh, until

Make = Callable[..., Mesh]

HUNGRY = json.dumps(["python3", "-c", "print('filling', flush=True); x = b'x' * (200 << 20)"])
WRITES = json.dumps(["python3", "-c", "open('/data/file', 'wb').write(b'x' * (1 << 20))"])
# It leaks once somebody asked: who asks shall have been content before.
LEAKS = json.dumps(
    [
        "python3",
        "-c",
        "import socket, time; s = socket.create_server(('', 9000)); s.accept(); time.sleep(1); x = b'x' * (200 << 20)",
    ]
)
ASKS = json.dumps(["python3", "-c", "import socket; socket.create_connection(('leaky', 9000), 1)"])
CRASHES = json.dumps(["python3", "-c", "import os; os.kill(os.getpid(), 11)"])

MANIFEST = f"""
name: t7bwhy
x-box: &box {{image: devbox-test/base, stop_grace_period: 0s}}
services:
  hungry: {{<<: *box, init: true, command: {HUNGRY}, mem_limit: 48m, memswap_limit: 48m}}
  full: {{<<: *box, command: {WRITES}, tmpfs: ["/data:size=64k"]}}
  segfault: {{<<: *box, init: true, command: {CRASHES}}}
  denied: {{<<: *box, entrypoint: [], command: [/etc/passwd]}}
  noimage: {{image: "localhost:1/nobody/nothing:1"}}
  nobind:
    <<: *box
    command: sleep 3600
    volumes: [{{type: bind, source: ./nowhere, target: /data, bind: {{create_host_path: false}}}}]
  leaky: {{<<: *box, init: true, command: {LEAKS}, mem_limit: 48m, memswap_limit: 48m}}
  front:
    <<: *box
    command: sleep 3600
    depends_on: {{leaky: {{condition: service_started}}}}
    health: {{exec: {ASKS}, interval: 300ms, retries: 2}}
  above: {{<<: *box, command: sleep 3600, depends_on: [noimage]}}
"""


def why(mesh: Mesh, service: str) -> dict[str, Any]:
    """What `devbox why` says, for programs."""
    return dict(json.loads(mesh.ok("why", service, "--format", "json")))


def test_what_befalls_containers_is_named_first(mesh: Make) -> None:
    it = mesh(MANIFEST)
    it.devbox("up", "-d")
    until(
        lambda: all(
            row["State"] == "failed" or row["Health"] == "unhealthy"
            for name, row in it.rows().items()
            if name != "above"
        ),
        60.0,
        "every accident",
    )
    staged = {
        "hungry": ("hungry", r"^killed: out of memory", ""),
        "full": ("full", r"^exited with 1", r"^OSError: \[Errno 28\] No space left on device"),
        "segfault": ("segfault", r"^crashed \(SIGSEGV\)$", ""),
        "denied": ("denied", r"/etc/passwd.*permission denied", ""),
        "noimage": ("noimage", r"localhost:1/nobody/nothing:1", ""),
        "nobind": ("nobind", r"nowhere", ""),
        "leaky": ("leaky", r"^killed: out of memory", ""),
        "front": ("leaky", r"^killed: out of memory", ""),
        "above": ("noimage", r"localhost:1/nobody/nothing:1", ""),
    }
    for service, (culprit, cause, line) in staged.items():
        said = why(it, service)
        assert said["culprit"] == culprit, said
        assert re.search(cause, said["first_cause"]), said
        assert re.search(line, said["error_line"]), said
        assert said["try_next"], said
