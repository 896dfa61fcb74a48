"""`devbox ps` as a table."""

from __future__ import annotations

from collections.abc import Sequence

from devbox.control.protocol import Row
from devbox.views.words import age, icon, paint, ports

STOPPED = frozenset({"stopped", "idle"})
"""States of what does not run and is not meant to."""

_HEAD = ("NAME", "RUNTIME", "STATE", "RESTARTS", "AGE", "PORTS", "NOTE")
_STATE = 2


def table(rows: Sequence[Row], now: float, *, colour: bool) -> str:
    """One line a replica, columns aligned, under a head."""
    cells = [_cells(row, now) for row in rows]
    widths = [max(len(line[column]) for line in [_HEAD, *cells]) for column in range(len(_HEAD))]
    lines = [_line(_HEAD, widths)]
    for row, line in zip(rows, cells, strict=True):
        text = _line(line, widths)
        if colour:
            text = text.replace(line[_STATE], paint(line[_STATE], row.state), 1)
        lines.append(text)
    return "\n".join(lines)


def _cells(row: Row, now: float) -> tuple[str, ...]:
    return (
        row.name,
        row.runtime,
        f"{icon(row.state)} {row.state}",
        str(row.status.restarts),
        age(now - row.started_at) if row.started_at else "-",
        ports(row.ports) or "-",
        row.note,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
