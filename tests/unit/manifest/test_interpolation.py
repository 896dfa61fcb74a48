"""Variables and references in texts."""

from __future__ import annotations

import pytest

from devbox.domain.spec import Reference, Template
from devbox.manifest.interpolate import BadForm, Variables, interpolate

VARIABLES = Variables({"NAME": "ada", "EMPTY": "", "NEXT": "$NAME"}, {"FILE": "from file", "NAME": "hidden"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$NAME", "ada"),
        ("${NAME}", "ada"),
        ("a${NAME}b", "aadab"),
        ("$NAME.x", "ada.x"),
        ("$$NAME", "$NAME"),
        ("$${NAME}", "${NAME}"),
        ("$$$NAME", "$ada"),
        ("${NEXT}", "$NAME"),
        ("${NAME:-other}", "ada"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY-other}", ""),
        ("${UNSET-other}", "other"),
        ("${UNSET:-}", ""),
        ("${NAME:+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${UNSET+yes}", ""),
        ("${NAME:?needed}", "ada"),
        ("${EMPTY?needed}", ""),
        ("${UNSET:-${EMPTY:-${NAME}}}", "ada"),
        ("${UNSET:-a b:c?d}", "a b:c?d"),
        ("${UNSET:-$$x}", "$x"),
        ("${UNSET:-localhost.lan}", "localhost.lan"),
        ("}{", "}{"),
        ("$", "$"),
        ("a $ b", "a $ b"),
        ("^x$", "^x$"),
        ("$1 $- $é", "$1 $- $é"),
        ("$$$", "$$"),
        ("${UNSET:-{x}}", "{x}"),
        ('${UNSET-{"a": {}}}', '{"a": {}}'),
        ("${NAME:-{x}}.", "ada."),
        ("${UNSET:-{}.", "{."),
        ("${UNSET:-}}", "}"),
        ("${UNSET:-one\ntwo}", "one\ntwo"),
        ("${NAME:-${UNSET?needed}}", "ada"),
        ("${UNSET:+${UNSET?needed}}", ""),
        ("${NAME:+${UNSET:-${NAME}}}}", "ada}"),
        ('${UNSET:-it\'s "so"}', 'it\'s "so"'),
        ("${UNSET-?}${UNSET:-:?-+}", "?:?-+"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    assert str(interpolate(text, VARIABLES).template) == expected


@pytest.mark.parametrize(
    ("text", "message", "fragment"),
    [
        ("${}", "a ${ that begins no variable", "${}"),
        ("${ NAME}", "a ${ that begins no variable", "${ NAME}"),
        ("${NAME }", "${NAME } is not a valid variable", "${NAME }"),
        ("${NAME:}", "${NAME:} is not a valid variable", "${NAME:}"),
        ("${NAME+${UNSET?}}", "the variable UNSET is required and has no value", "${UNSET?}"),
        ("${", "a ${ that begins no variable", "${"),
        ("x ${1A}", "a ${ that begins no variable", "${1A}"),
        ("${A", "${A is not closed", "${A"),
        ("${A:-b", "${A:-b is not closed", "${A:-b"),
        ("${A!}", "${A!} is not a valid variable", "${A!}"),
        ("${UNSET?}", "the variable UNSET is required and has no value", "${UNSET?}"),
        ("${EMPTY:?say ${NAME}}", "the variable EMPTY is required and has no value: say ada", "${EMPTY:?say ${NAME}}"),
    ],
)
def test_bad_forms(text: str, message: str, fragment: str) -> None:
    with pytest.raises(BadForm) as caught:
        interpolate(text, VARIABLES)
    assert (caught.value.message, caught.value.fragment) == (message, fragment)


@pytest.mark.parametrize("operator", [":-", ":?"])
def test_nesting_is_bounded(operator: str) -> None:
    for depth in (50, 50_000):
        with pytest.raises(BadForm, match="nested too deeply"):
            interpolate(f"${{A{operator}" * depth + "}" * depth, VARIABLES)


def test_references_stay_references() -> None:
    found = interpolate("http://${db.host}:${db.port.5432}/$NAME", VARIABLES, {"db"})
    expected = ("http://", Reference("db", "host"), ":", Reference("db", "port.5432"), "/ada")
    assert found.template == Template(expected)


def test_the_longest_service_name_before_a_dot_is_meant() -> None:
    found = interpolate("${my.db.url}${my-db.url}", VARIABLES, {"my", "my.db", "my-db"})
    assert found.template.parts == (Reference("my.db", "url"), Reference("my-db", "url"))


def test_a_default_with_a_dot_is_no_reference() -> None:
    assert str(interpolate("${HOST-db.lan}", VARIABLES, {"db"}).template) == "db.lan"


def test_a_default_can_be_a_reference() -> None:
    assert interpolate("${UNSET:-${db.url}}", VARIABLES, {"db"}).template.parts == (Reference("db", "url"),)


def test_unset_names_are_told_only_when_they_count() -> None:
    assert interpolate("${A} $B ${C:-x} ${NAME:-$D}", VARIABLES).unset == ["A", "B"]


def test_what_comes_from_a_file_is_secret() -> None:
    assert interpolate("$FILE", VARIABLES).secret
    assert not interpolate("$NAME", VARIABLES).secret
    assert not interpolate("${NAME:-$FILE}", VARIABLES).secret
