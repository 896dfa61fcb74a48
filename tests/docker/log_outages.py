"""A container that prints a lot while its engine ends and comes back: its log is what the engine has, once.

By a make target of its own: it takes a minute.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.docker.engine import CLIENT
from tests.docker.second import SecondEngine, second_engine
from tests.engine.mesh import Mesh, until

Make = Callable[..., Mesh]

LINES = 100_000
PRINTER = f"""
$| = 1;
for my $number (0 .. {LINES - 1}) {{
    print "line $number\\n";
    print STDERR "err $number\\n" unless $number % 100;
    select(undef, undef, undef, 0.005) unless $number % 100;
}}
print "end\\n";
sleep 3600;
"""
SERVICE = {
    "image": "devbox-test/base",
    "entrypoint": ["perl", "-e", PRINTER.replace("$", "$$")],
    "stop_grace_period": "0s",
}


@pytest.fixture(scope="module")
def second(engine: None) -> Iterator[SecondEngine]:
    # Its containers outlive it.
    with (
        TemporaryDirectory(prefix="e2-") as folder,
        second_engine(Path(folder) / "e", "devbox-test/base", options="--live-restore") as it,
    ):
        yield it


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_restarts_in_the_middle_of_a_burst_costs_no_line_and_doubles_none(
    second: SecondEngine, mesh: Make, how: signal.Signals
) -> None:
    name = f"burst{how.value}"
    it = mesh(json.dumps({"name": name, "services": {"box": SERVICE}}))
    it.env["DOCKER_HOST"] = second.address
    it.ok("up", "-d")
    logs = it.home / name / "run" / "logs"
    out, err = logs / "box-1.stdout", logs / "box-1.stderr"
    for share in (4, 2):
        until(lambda share=share: size(out) > LINES * 10 // share, 60.0, "part of the burst")  # type: ignore[misc]
        second.end(how)
        second.start()
    until(lambda: out.read_bytes().endswith(b"end\n"), 90.0, "the end of the burst")
    (container,) = second.docker("ps", "-q").split()
    theirs = subprocess.run([CLIENT, "-H", second.address, "logs", container], capture_output=True, check=True)
    until(lambda: size(err) >= len(theirs.stderr), 30.0, "the rest of the other stream")
    assert out.read_bytes() == theirs.stdout
    assert err.read_bytes() == theirs.stderr
    numbers = [int(line.split()[1]) for line in out.read_text().splitlines()[:-1]]
    assert all(before < after for before, after in pairwise(numbers)), "once, and in order"
    assert second.docker("inspect", "-f", "{{.RestartCount}}", container).strip() == "0"


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
