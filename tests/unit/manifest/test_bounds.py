"""What is made to take too long, or too much: it is refused, with a place, and at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from devbox.domain.errors import ManifestError
from tests.unit.manifest.reading import Folder

LONGEST = 4
"""Seconds of the process's own time; twice of what is promised."""

REFERENCES = "".join(f"${{db.a{n}}}" for n in range(100_000))


def one_service(value: str) -> str:
    return f'services: {{db: {{image: x, ports: [1]}}, a: {{image: x, labels: {{a: "{value}"}}}}}}'


HOSTILE = [
    (lambda: one_service(REFERENCES), "devbox.yaml:1:66: these are more than 200 references in one text"),
    (lambda: one_service("${A:-" * 500_000), "is not closed"),
    (lambda: one_service("${A:-{" * 200_000 + "}" * 400_000), "a ${ that is nested too deeply"),
    (lambda: one_service("${A:?" * 200_000 + "}" * 200_000), "a ${ that is nested too deeply"),
    (
        lambda: "services:\n" + "".join(f" service{n}: {{image: x, depends_on: [servce{n}x]}}\n" for n in range(9000)),
        "more than 100 problems",
    ),
    (
        lambda: "services:\n" + "".join(f" service{n}: {{extends: servce{n}x}}\n" for n in range(12_000)),
        "more than 100 problems",
    ),
    (
        lambda: (
            f"x-a: &a {{{', '.join(f'k{n}: 1' for n in range(1000))}}}\nx-b:\n"
            + f"  - {{<<: [{', '.join(['*a'] * 20)}]}}\n" * 1000
        ),
        "it comes to more than 100,000 values",
    ),
    (lambda: "services: {a: {image: x}}\n---\n" * 15_000, "it comes to more than 100,000 values"),
    (lambda: "a: " + "[" * 2_000_000, "it is nested deeper than 100 levels"),
    (lambda: "".join(" " * n + "a:\n" for n in range(2000)), "it is nested deeper than 100 levels"),
    (lambda: "? " * 500_000, "it is nested deeper than 100 levels"),
    (lambda: "services:\n" + "  a: {image: x}\n" * 9000, "more than 100 problems"),
]


@pytest.mark.parametrize(("text", "expected"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_manifest(folder: Folder, text: Callable[[], str], expected: str) -> None:
    file = folder.path / "devbox.yaml"
    file.write_text(text())
    start = time.process_time()
    with pytest.raises(ManifestError) as caught:
        folder.load_files(file)
    assert expected in str(caught.value)
    assert time.process_time() - start < LONGEST


@pytest.mark.parametrize("line", ["!\n", 'A="\\\n', "A=${B\n"])
def test_a_file_that_holds_no_variables(folder: Folder, line: str) -> None:
    folder.write("devbox.yaml", "services: {a: {image: x}}")
    (folder.path / ".env").write_text(line * 100_000)
    start = time.process_time()
    with pytest.raises(ManifestError) as caught:
        folder.load_files(folder.path / "devbox.yaml")
    assert len(caught.value.problems) == 10
    assert time.process_time() - start < LONGEST


@pytest.mark.parametrize(
    "variables", ["A\n" * 400_000, "A=x" + " " * 900_000 + "y\n", "A='" + "x\n" * 400_000 + "'"], ids=range(3)
)
def test_a_file_that_is_long(folder: Folder, variables: str) -> None:
    folder.write("devbox.yaml", "services: {a: {image: x}}")
    (folder.path / ".env").write_text(variables)
    start = time.process_time()
    folder.load_files(folder.path / "devbox.yaml")
    assert time.process_time() - start < LONGEST


def test_a_value_that_is_used_again_and_again(folder: Folder) -> None:
    folder.write(".env", f"A={'x' * 900_000}")
    services = "".join(f"  s{n}: {{image: x, labels: {{a: x$A}}}}\n" for n in range(1000))
    found = folder.errors(f"services:\n{services}")
    assert "with its variables the manifest is longer than 33,554,432 characters" in found


def test_projects_that_include_one_another_in_every_order(folder: Folder) -> None:
    for n in range(30):
        folder.write(f"d{n}/.env", f"V{n}=1")
        others = ", ".join(f"../d{m}/c.yaml" for m in range(n + 1, 30))
        folder.write(f"d{n}/c.yaml", f"include: [{others}]\nservices: {{s{n}: {{image: x}}}}")
    start = time.process_time()
    assert "these are more than 1000 projects" in folder.errors("include: [d0/c.yaml]")
    assert time.process_time() - start < LONGEST


def test_notes_have_an_end(folder: Folder) -> None:
    names = "".join(f"      $V{n}\n" for n in range(5000))
    assert len(folder.load(f"services:\n  a:\n   image: x\n   labels:\n    a: |\n{names}").notes) == 500
