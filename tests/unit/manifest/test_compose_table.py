"""docs/compose.md says of every key what is so."""

from __future__ import annotations

import re
from pathlib import Path

from devbox.manifest import keys
from devbox.manifest.container import READERS, SILENT_FOR_PROCESSES

TABLE = Path(__file__).parents[3] / "docs" / "compose.md"


def rows() -> dict[str, tuple[str, ...]]:
    found = (line.split("|")[1:-1] for line in TABLE.read_text().splitlines() if line.startswith("| `"))
    return {cells[0].strip(" `"): tuple(cell.strip() for cell in cells[1:]) for cells in found}


def test_every_key_is_in_the_table_and_no_other() -> None:
    assert rows().keys() == {*keys.COMPOSE, *keys.NOT_CARRIED, *keys.OWN}


def test_what_it_says_counts_is_what_counts() -> None:
    only_containers = {*READERS, *SILENT_FOR_PROCESSES, "image", "build"}
    for key, cells in rows().items():
        if key in keys.NOT_CARRIED:
            assert cells[:2] == ("no", "no"), key
        elif key in keys.COMPOSE and len(cells) == 3:
            assert cells[0] == "yes", key
            assert cells[1] == ("no" if key in only_containers else "yes"), key
        assert not re.search(r"\b(TODO|TBD)\b", " ".join(cells))
