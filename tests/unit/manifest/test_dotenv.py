"""Files of variables."""

from __future__ import annotations

import time
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
        ("A=#b", {"A": "#b"}),
        ("A=b\t#c", {"A": "b\t#c"}),
        ("A='b'# c\nB=2", {"A": "b", "B": "2"}),
        ("A='x' B=2 # c", {"A": "x", "B": "2"}),
        ("A=b # c # d", {"A": "b"}),
        ("A=\nB=\n", {"A": "", "B": ""}),
        ("A=it's", {"A": "it's"}),
        ("A='it\\'s \\n'", {"A": "it's \\n"}),
        ("A=a\\nb", {"A": "a\\nb"}),
        ('A="\\x \\c \\0101 \\08"', {"A": "\\x \\c A \\08"}),
        ('A="a\\\nb"', {"A": "a\\\nb"}),
        ("A=cost$ $5 $$B", {"A": "cost$ $5 $B"}),
        ("A=${B:-'q r'} # c", {"A": "'q r'"}),
        ("A=${B:-${C:-x}}", {"A": "x"}),
        ("1A=2\né=3\nA[0]=4", {"1A": "2", "é": "3", "A[0]": "4"}),
        ("exportA=1\nexport\tB=2", {"exportA": "1", "B": "2"}),
        ("A=\u00a0x\u2003\r\nB=1", {"A": "x", "B": "1"}),
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "A B=1",
            """
            .env:1:1: a line here is KEY=value
                1 | A B=1
                  | ^^^^^
                  hint: Comments begin with #.
            """,
        ),
        (
            "A='x' !",
            """
            .env:1:7: a line here is KEY=value
                1 | A='x' !
                  |       ^
                  hint: Comments begin with #.
            """,
        ),
        (
            'A="one\ntwo ${B\nthree"',
            """
            .env:2:5: ${B is not closed
                2 | two ${B
                  |     ^^^
                  hint: Close it with }, or write $$ for a $ as such.
            """,
        ),
        (
            "A=${B:?say it}",
            """
            .env:1:3: the variable B is required and has no value: say it
                1 | A=${B:?say it}
                  |   ^^^^^^^^^^^^
                  hint: Set B in the environment or in .env.
            """,
        ),
    ],
)
def test_errors(text: str, expected: str) -> None:
    assert "\n".join(parsed(text)[1]) == as_printed(expected)


def test_values_that_grow_without_bound() -> None:
    text = "A=xxxxxxxx\n" + "".join(f"A=$A$A$A$A # {n}\n" for n in range(30))
    values, errors = parsed(text)
    assert len(values["A"]) < 1024**2
    assert errors[0].splitlines()[0] == ".env:10:3: with the value of A this is too long"


def test_a_later_file_sees_an_earlier_one(folder: Folder) -> None:
    files = [folder.write("one.env", "A=1\nB=$A"), folder.write("two.env", "A=2\nC=$B$A$D")]
    service = folder.load("services: {web: {image: '$A-$B-$C'}}", env_files=files, environment={"D": "4"}).services[0]
    # What an earlier file said stands in the values of a later one, which yet has the last word.
    assert getattr(service.run, "image", None) == "2-1-124"


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


def test_a_file_that_many_services_name_is_read_once(folder: Folder) -> None:
    folder.write("a.env", "".join(f"A{n}=${{X}}\n" for n in range(2000)))
    services = "".join(f"  s{n}: {{image: x, env_file: a.env}}\n" for n in range(300))
    start = time.process_time()
    app = folder.load(f"services:\n{services}", environment={"X": "1"})
    assert {str(var.value) for service in app.services for var in service.env} == {"1"}
    assert time.process_time() - start < 4


def test_files_of_variables_share_their_bounds(folder: Folder) -> None:
    for n in range(4):
        folder.write(f"{n}.env", f"A={'x' * 900_000}")
    found = folder.errors("services: {a: {image: x, env_file: [0.env, 1.env, 2.env, 3.env]}}")
    assert "2.env these are more variables than are read at most" in found


def test_what_an_env_file_may_refer_to(folder: Folder) -> None:
    folder.write(".env", "FROM=dotenv\nBOTH=dotenv")
    folder.write("a.env", "A=$FROM-$BOTH-$OWN\nBOTH=file")
    folder.write("b.env", "B=$A $BOTH\nFROM")
    service = folder.load("services: {a: {image: x, env_file: [a.env, b.env]}}", environment={"OWN": "env"}).services[0]
    assert {var.name: str(var.value) for var in service.env} == {
        "A": "dotenv-dotenv-env",
        "BOTH": "file",
        "B": "dotenv-dotenv-env dotenv",
        "FROM": "dotenv",
    }
