"""Seeds: what is still to be applied, and whose fault an error is, in the words of each client."""

from __future__ import annotations

import pytest

from devbox.domain.spec import SeedFile, Template
from devbox.plan.seeding import SeedRecord, blame, left_out, to_apply

ONE, TWO = (SeedFile(f"/p/db/{name}", f"db/{name}", (Template.of("run"),)) for name in ("1.sql", "2.sql"))


def test_fresh_data_get_everything_in_order() -> None:
    assert to_apply((ONE, TWO), SeedRecord("m")) == (ONE, TWO)


def test_a_seed_that_failed_goes_on_where_it_stopped() -> None:
    assert to_apply((ONE, TWO), SeedRecord("m", ("db/1.sql",))) == (TWO,)


def test_data_in_use_are_not_seeded() -> None:
    record = SeedRecord("m", ("db/1.sql",), complete=True)
    assert to_apply((ONE, TWO), record) == ()
    assert left_out((ONE, TWO), record) == ("db/2.sql",)
    assert left_out((ONE, TWO), SeedRecord("m")) == ()


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            'psql:/tmp/1.sql:7: ERROR:  relation "b" does not exist\nLINE 1: insert into b\n',
            'db/1.sql:7: ERROR: relation "b" does not exist',
        ),
        ("NOTICE: x\npsql:<stdin>:2: ERROR:  no\n", "db/1.sql:2: ERROR: no"),
        ("/tmp/1.sql: line 3: foo: command not found\n", "db/1.sql:3: foo: command not found"),
        ("/tmp/1.sql: 3: foo: not found\n", "db/1.sql:3: foo: not found"),
        ("/tmp/1.sql:4:SyntaxException: line 1:0 no viable\n", "db/1.sql:4: SyntaxException: line 1:0 no viable"),
        (
            "ERROR 1146 (42S02) at line 9: Table 's.b' doesn't\n",
            "db/1.sql:9: ERROR 1146 (42S02) at line 9: Table 's.b' doesn't",
        ),
        ("connecting\nError: no such host\nbye\n", "db/1.sql: Error: no such host"),
        ("bye\n", "db/1.sql: bye"),
        ("", "db/1.sql: it failed without a word"),
    ],
)
def test_the_first_error_with_the_line_as_people_know_it(output: str, words: str) -> None:
    file = SeedFile("/p/db/1.sql", "db/1.sql", (), r"at line (\d+)")
    assert blame(file, "/tmp/1.sql", output) == words
