"""Files of variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from devbox.manifest import dotenv
from devbox.manifest.source import Problems, Source
from tests.unit.manifest.reading import Folder, as_printed


def parsed(text: str, environment: dict[str, str] | None = None) -> tuple[dict[str, str], list[str]]:
    problems = Problems()
    source = Source(Path("/project/.env"), ".env", tuple(text.split("\n")))
    values = dotenv.parse(source, text, environment or {}, problems)
    return values, [str(problem) for problem in problems.found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A = 1 ", {"A": "1"}),
        ("A: 1", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        ("# comment\n\n  A=1 # more", {"A": "1"}),
        ("A=a#b", {"A": "a#b"}),
        ("A=#b", {"A": ""}),
        ("A=", {"A": ""}),
        ("A=x=y", {"A": "x=y"}),
        ("A='a $B # c'", {"A": "a $B # c"}),
        ('A="a b" # c', {"A": "a b"}),
        ('A="a\\nb\\t\\"c\\" \\\\"', {"A": 'a\nb\t"c" \\'}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ("A='one\ntwo'", {"A": "one\ntwo"}),
        ("B=2\nA=${B}x$B", {"B": "2", "A": "2x2"}),
        ('B=2\nA="${B:-3} ${C:-4}"', {"B": "2", "A": "2 4"}),
        ('A="\\$B $$C"', {"A": "$B $C"}),
        ("A.b-c=1", {"A.b-c": "1"}),
        ("A=1\nA=2", {"A": "2"}),
    ],
)
def test_forms(text: str, expected: dict[str, str]) -> None:
    assert parsed(text) == (expected, [])


def test_a_bare_name_takes_its_value_from_the_environment() -> None:
    assert parsed("A\nB\n", {"A": "1"}) == ({"A": "1"}, [])


def test_the_environment_wins_inside_of_values() -> None:
    assert parsed("A=file\nB=$A", {"A": "environment"})[0]["B"] == "environment"


def test_errors_point_at_the_line() -> None:
    values, errors = parsed("A=1\n=2\nB='x\n")
    assert values == {"A": "1"}
    assert "\n".join(errors) == as_printed(
        """
        .env:2:1: a line here is KEY=value
            2 | =2
              | ^^
              hint: Comments begin with #.
        .env:3:3: a quote is opened and not closed
            3 | B='x
              |   ^
        """
    )


def test_another_kind_of_file_is_not_reported_to_its_end() -> None:
    assert len(parsed("!\n" * 1000)[1]) == 10


def test_dot_env_is_read_and_the_environment_wins(folder: Folder) -> None:
    folder.write(".env", "TAG=1\nNAME=file")
    app = folder.load("services: {web: {image: 'x:$TAG-$NAME'}}", environment={"NAME": "env"})
    assert getattr(app.services[0].run, "image", None) == "x:1-env"


def test_an_env_file_stands_in_its_place(folder: Folder) -> None:
    folder.write(".env", "TAG=1")
    other = folder.write("other.env", "TAG=2")
    app = folder.load("services: {web: {image: 'x:$TAG'}}", env_files=[other])
    assert getattr(app.services[0].run, "image", None) == "x:2"
