"""Files that are no ordinary ones: pipes, devices, directories, very large ones."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from devbox.domain.errors import ManifestError
from devbox.manifest import contents
from devbox.manifest.contents import content_of
from tests.unit.manifest.reading import Folder, as_printed


def test_no_more_than_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert content_of(tmp_path / "file", 10) == b"x" * 10
    assert content_of(tmp_path / "file", 1000) == b"x" * 100
    assert content_of(Path("/dev/zero"), 1000) == bytes(1000)
    assert content_of(Path("/dev/null"), 1000) == b""


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb") as file:
            for _ in range(100):
                file.write(b"x" * 10_000)

    writer = threading.Thread(target=write)
    writer.start()
    assert content_of(pipe, 2_000_000) == b"x" * 1_000_000
    writer.join()


def test_a_pipe_that_nobody_writes_into_is_an_error_after_a_while(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe")
    start = time.monotonic()
    assert folder.errors("services: {web: {image: x, env_file: pipe}}") == as_printed(
        """
        devbox.yaml:1:38: cannot read pipe: nobody wrote all of it within 5 s
            1 | services: {web: {image: x, env_file: pipe}}
              |                                      ^^^^
        """
    )
    assert contents.PATIENCE <= time.monotonic() - start < contents.PATIENCE + 5


@pytest.mark.parametrize("size", [100_000_000, 100_000_000_000])
def test_a_file_that_is_larger_than_any_manifest(folder: Folder, size: int) -> None:
    file = folder.path / "devbox.yaml"
    file.touch()
    os.truncate(file, size)
    began = time.process_time()
    with pytest.raises(ManifestError, match="larger than the 4 MB that are read at most"):
        folder.load_files(file)
    assert time.process_time() - began < 2
