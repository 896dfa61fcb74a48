"""docs/catalogue.md tells of every entry, and says that it was proven only where a test boots it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from devbox.catalogue import load_entry, names
from tests.catalogue.servers import CONTAINERS, NOT_PROVEN, PROCESSES, Booted

PAGE = Path(__file__).parents[3] / "docs" / "catalogue.md"


@dataclass(frozen=True)
class Row:
    """What the table says of an entry."""

    container: str
    process: str
    data: str


def table() -> dict[str, Row]:
    """The rows of the page's one table, by entry."""
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)\|(.*)\|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    return {name: Row(*(cell.strip() for cell in cells)) for name, *cells in rows}


TABLE = table()
each_entry = pytest.mark.parametrize("name", names())


def test_every_entry_has_its_row() -> None:
    assert tuple(TABLE) == names()


@each_entry
def test_a_container_is_proven_where_one_is_booted(name: str) -> None:
    says_what_is_booted(TABLE[name].container, CONTAINERS.get(name))
    assert (name in CONTAINERS) != (name in NOT_PROVEN)


@each_entry
def test_a_process_is_proven_where_one_is_booted(name: str) -> None:
    assert bool(TABLE[name].process) == (load_entry(name).embedded is not None)
    if TABLE[name].process:
        says_what_is_booted(TABLE[name].process, PROCESSES.get(name))


@each_entry
def test_it_says_which_data_are_kept(name: str) -> None:
    assert TABLE[name].data == ("yes" if load_entry(name).container.data else "none")


def says_what_is_booted(cell: str, booted: Booted | None) -> None:
    """The server that a test boots, as what it is or in the place of another; or else that none does."""
    if booted is None:
        assert cell.startswith("not run: ")
    else:
        assert re.match(rf"(real, )?{re.escape(booted.server)}[\d.]*", cell)
