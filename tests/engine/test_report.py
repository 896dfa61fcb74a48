"""`devbox report`: a file that holds how a mesh was, and what can be seen in it later."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from devbox.control.protocol import Action, Command, Snapshot
from devbox.control.recorded import RecordedControl, read_report
from devbox.domain.errors import UsageError
from devbox.domain.log import Level, LogQuery
from tests.engine.mesh import Mesh, script

Make = Callable[..., Mesh]
T = TypeVar("T")

TALKER = "import os, time; print('INFO token is', os.environ['API_TOKEN']); print('ERROR no luck'); time.sleep(3600)"


async def all_of(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


async def first_of(items: AsyncIterator[T]) -> T:
    return await asyncio.wait_for(anext(items), 5)


async def test_a_report_shows_how_it_was_and_keeps_secrets(mesh: Make, tmp_path: Path) -> None:
    it = mesh(f"""
        name: reported
        services:
          talker: {{command: {script(TALKER)}, environment: {{API_TOKEN: s3cr3t-t0k3n}}}}
          broken: {{command: {script("raise SystemExit(3)")}, restart: "no"}}
        """)
    it.devbox("up", "-d", "--wait")
    path = Path(it.ok("report", "-o", str(tmp_path / "report.tar.gz")).strip())
    it.ok("down")
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            assert b"s3cr3t-t0k3n" not in file.read(), member.name
    recorded = read_report(path)
    control = RecordedControl(recorded)
    snapshot = await first_of(control.frames())
    assert isinstance(snapshot, Snapshot)
    assert {row.name: row.state for row in snapshot.rows} == {"talker": "running", "broken": "failed"}
    assert any("broken" in event.service for event in snapshot.recent)
    assert (await control.why("broken")).row.exit_code == 3
    lines = [line for chunk in await all_of(control.logs()) for line in chunk.lines]
    assert lines == ["INFO token is ••••••", "ERROR no luck"]
    (chunk,) = await all_of(control.search(LogQuery(level=Level.ERROR)))
    assert chunk.lines == ("ERROR no luck",)
    assert (await control.lines("talker", 1, chunk.first_line, 5)).lines == ("ERROR no luck",)
    assert (await control.lines("talker", 1, 0, 1)).lines == ("INFO token is ••••••",)
    assert "API_TOKEN" in recorded.config
    with pytest.raises(UsageError, match="not possible in a report"):
        await control.command(Command(Action.RESTART, ("talker",)))


def test_what_is_no_report_is_said_in_words(mesh: Make, tmp_path: Path) -> None:
    it = mesh("services: {}")
    (tmp_path / "odd").write_text("odd")
    assert "is no report of devbox" in it.devbox("open", str(tmp_path / "odd")).stderr
    assert "there is no file" in it.devbox("open", "absent").stderr
