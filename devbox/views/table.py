"""`devbox ps` as a table, from rows as they come over the wire.

They are not decoded: building the domain's classes would take longer than all the rest of the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devbox.views.words import age, icon, paint, port_text

WireRow = Mapping[str, Any]
"""A `control.protocol.Row` as JSON data."""

STOPPED = frozenset({"stopped", "idle"})
"""States of what does not run and is not meant to."""

_HEAD = ("NAME", "RUNTIME", "STATE", "RESTARTS", "AGE", "PORTS", "NOTE")
_STATE = 2


def name_of(row: WireRow) -> str:
    """`api` for a service with one replica, `api-2` for the second of several."""
    return str(row["service"]) if row["replicas"] == 1 else f"{row['service']}-{row['replica']}"


def table(rows: Sequence[WireRow], now: float, *, colour: bool) -> str:
    """One line a replica, columns aligned, under a head."""
    cells = [_cells(row, now) for row in rows]
    widths = [max(len(line[column]) for line in [_HEAD, *cells]) for column in range(len(_HEAD))]
    lines = [_line(_HEAD, widths)]
    for row, line in zip(rows, cells, strict=True):
        text = _line(line, widths)
        if colour:
            text = text.replace(line[_STATE], paint(line[_STATE], row["state"]), 1)
        lines.append(text)
    return "\n".join(lines)


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain rows under a head, columns aligned."""
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    return "\n".join(_line(line, widths) for line in [head, *rows])


def _cells(row: WireRow, now: float) -> tuple[str, ...]:
    ports = ", ".join(port_text(p["host"], p["published"], p["target"], p["protocol"]) for p in row["ports"])
    return (
        name_of(row),
        row["runtime"],
        f"{icon(row['state'])} {row['state']}",
        str(row["status"]["restarts"]),
        age(now - row["started_at"]) if row["started_at"] else "-",
        ports or "-",
        row["note"],
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
