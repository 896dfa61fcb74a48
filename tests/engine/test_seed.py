"""Seeds on real servers: once, in order, before anybody is told that the server is ready."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.mesh import DEVBOX, Mesh, script, until

MANIFEST = f"""
name: seeded
services:
  db:
    use: postgres
    runtime: process
    seed: ./db
  cache:
    use: redis
    runtime: process
    seed: [words.redis]
  reader:
    command: {script("import time; print('reader runs', flush=True); time.sleep(3600)")}
    environment: {{DATABASE_URL: "${{db.url}}"}}
"""


@pytest.fixture
def seeded(mesh: Callable[..., Mesh]) -> Mesh:
    it = mesh(MANIFEST)
    put(it, "db/01-tables.sql", "create table word (text text);\ninsert into word values ('first');\n")
    put(it, "db/02-words.sh", "psql -qc \"insert into word values ('second')\"\n")
    put(it, "db/README.txt", "not a seed")
    put(it, "words.redis", "SET word first\n")
    return it


def put(mesh: Mesh, name: str, text: str) -> Path:
    file = mesh.directory / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def seeds(mesh: Mesh) -> list[str]:
    """What the events say of seeds."""
    lines = mesh.ok("events", "--no-follow").splitlines()
    return [line.partition("seed: ")[2].partition("  [")[0] for line in lines if "seed: " in line]


def psql(mesh: Mesh, statement: str) -> list[str]:
    """By the server's own console: what `devbox exec db` opens when no command is given."""
    done = subprocess.run(
        [*DEVBOX, "exec", "-T", "db"],
        cwd=mesh.directory,
        env=mesh.env,
        input=f"\\pset format unaligned\n\\pset tuples_only on\n{statement};\n",
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.endswith(".")]


def test_fresh_data_begin_with_the_seed_and_keep_it(seeded: Mesh) -> None:
    seeded.ok("up", "-d", "--wait")
    assert psql(seeded, "select text from word order by text") == ["first", "second"]
    told = sorted(each.partition(" applied")[0] for each in seeds(seeded))
    assert told == ["1 file", "2 files"]
    psql(seeded, "delete from word")
    seeded.ok("down")
    seeded.ok("up", "-d", "--wait")
    assert psql(seeded, "select text from word") == []
    assert seeds(seeded) == []
    seeded.ok("down", "-v")
    seeded.ok("up", "-d", "--wait")
    assert psql(seeded, "select text from word order by text") == ["first", "second"]


def test_an_error_names_file_and_line_and_holds_up_who_needs_it(seeded: Mesh) -> None:
    broken = put(seeded, "db/03-more.sql", "insert into word values ('third');\n\ninsert into nothing values (1);\n")
    failed = seeded.devbox("up", "-d", "--wait")
    assert failed.returncode == 1
    assert 'db/03-more.sql:3: ERROR: relation "nothing" does not exist' in failed.stderr
    assert seeded.pids().keys() == {"db", "cache"}
    # The file as a whole or not at all, and those before it once.
    assert psql(seeded, "select text from word order by text") == ["first", "second"]
    broken.write_text("insert into word values ('third');\n")
    seeded.ok("restart", "db")
    seeded.ok("up", "-d", "--wait")
    assert psql(seeded, "select text from word order by text") == ["first", "second", "third"]


def test_a_seed_that_comes_late_leaves_data_in_use_alone(seeded: Mesh) -> None:
    seeded.ok("up", "-d", "--wait")
    put(seeded, "db/04-late.sql", "drop table word;\n")
    seeded.ok("up", "-d", "--wait")
    seeded.ok("restart", "db")
    seeded.ok("up", "-d", "--wait")
    assert psql(seeded, "select text from word order by text") == ["first", "second"]
    assert [each for each in seeds(seeded) if "db/04-late.sql" in each and "the data are older" in each]


def test_a_database_begins_afresh_and_with_its_seed_while_the_others_stay(seeded: Mesh) -> None:
    seeded.ok("up", "-d", "--wait")
    psql(seeded, "delete from word")
    before = seeded.pids()
    seeded.ok("restart", "--fresh-data", "db")
    until(lambda: seeded.rows()["db"]["Health"] == "healthy", what="a database that answers")
    assert psql(seeded, "select text from word order by text") == ["first", "second"]
    after = seeded.pids()
    assert [name for name in before if before[name] != after[name]] == ["db"]
    refused = seeded.devbox("restart", "--fresh-data", "reader")
    assert (refused.returncode, "reader keeps no data" in refused.stderr) == (2, True)
    assert seeded.pids() == after
