"""A container's output in its files: complete, in order, nothing twice, however often the copier is killed."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.conftest import ROOT, docker

PRINTER = """
$| = 1; binmode STDERR;
for my $number (0 .. 5999) {
    print "out $number " . ('x' x ($number % 997 ? 20 : 40000)) . "\\n";
    print STDERR "err $number\\n";
    select(undef, undef, undef, 0.002) unless $number % 10;
}
"""

COPIER = """
import sys
from pathlib import Path
import docker
from devbox.runtimes.base import LogFiles
from devbox.runtimes.docker.logs import LogCopier
copier = LogCopier(docker.APIClient(), sys.argv[1], LogFiles(Path(sys.argv[2]), Path(sys.argv[3])))
copier._thread.join()
"""


@pytest.fixture
def printer(engine: None) -> Iterator[str]:
    name = f"devbox-test-{uuid.uuid4().hex[:8]}"
    docker("run", "-d", "--name", name, "devbox-test/base", "perl", "-e", PRINTER)
    try:
        yield docker("inspect", "-f", "{{.Id}}", name).strip()
    finally:
        docker("rm", "-f", name)


def test_a_copier_that_is_killed_again_and_again_loses_and_doubles_nothing(printer: str, tmp_path: Path) -> None:
    out, err = tmp_path / "stdout", tmp_path / "stderr"
    argv = [sys.executable, "-c", COPIER, printer, str(out), str(err)]
    kills, running = 0, True
    while running:
        running = docker("inspect", "-f", "{{.State.Running}}", printer).strip() == "true"
        copier = subprocess.Popen(argv, cwd=ROOT)
        began = out.stat().st_size if out.exists() else 0
        while running and copier.poll() is None and (not out.exists() or out.stat().st_size <= began):
            time.sleep(0.01)
        time.sleep(0.05)
        copier.kill()
        copier.wait()
        kills += 1
    subprocess.run(argv, cwd=ROOT, check=True, timeout=60)
    assert kills > 3
    both = subprocess.run(["docker", "logs", printer], capture_output=True, check=True)
    assert out.read_bytes() == both.stdout
    assert err.read_bytes() == both.stderr
    assert [int(line.split()[1]) for line in out.read_text().splitlines()] == list(range(6000))
