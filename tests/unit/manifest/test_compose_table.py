"""docs/compose.md says of every key what is so."""

from __future__ import annotations

import re
from pathlib import Path

from devbox.manifest import idle, keys
from devbox.manifest.container import FOR_PROCESSES_TOO, READERS, SILENT_FOR_PROCESSES

TABLE = Path(__file__).parents[3] / "docs" / "compose.md"


def rows(heading: str) -> dict[str, tuple[str, ...]]:
    """The rows of the tables below a heading, by key."""
    text = TABLE.read_text().split(f"{heading}\n")[1].split("\n## ")[0]
    found = (line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `"))
    return {cells[0].strip(" `"): tuple(cell.strip() for cell in cells[1:]) for cells in found}


def test_every_key_is_in_the_table_and_no_other() -> None:
    assert rows("# Compose files").keys() == {*keys.COMPOSE, *keys.NOT_CARRIED}
    assert rows("## devbox's own keys").keys() == keys.OWN.keys()


def test_what_it_says_counts_is_what_counts() -> None:
    only_containers = {*READERS, *SILENT_FOR_PROCESSES, "image", "build"} - FOR_PROCESSES_TOO
    for key, cells in rows("# Compose files").items():
        if key in keys.NOT_CARRIED:
            assert cells == ("no", "no", idle.SERVICE[key])
        else:
            assert cells[0] == "yes", key
            assert cells[1] == ("no" if key in only_containers else "yes"), key
        assert not re.search(r"\b(TODO|TBD)\b", " ".join(cells))


def test_what_has_no_effect_below_a_key_is_said() -> None:
    below = {f"services.*.{path}": why for path, why in idle.SERVICE.items() if "." in path}
    wanted = {path: ("no", "no", why) for path, why in {**below, **idle.TOP}.items()}
    assert rows("## Keys below these, without effect") == wanted
