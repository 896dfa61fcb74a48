"""The service table as lines of cells, worked out from the rows and the width there is. Pure: nothing is drawn here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from devbox.control.protocol import Row
from devbox.domain.instance import Sample
from devbox.views.tui.clean import plain
from devbox.views.tui.mesh import HISTORY, Mesh
from devbox.views.words import ICONS, age, icon, port_text

TINY = 60
"""Columns of the terminal below which only icon, name and state are kept."""

_BARS = "▁▂▃▄▅▆▇█"
_STATE_WIDTH = max(map(len, ICONS))
_LEAST_NAME, _MOST_NAME = 6, 24


class Kind(Enum):
    """What a line of the table is."""

    ALL = "all"
    HEAD = "head"
    ROW = "row"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a line: its text, padded, and the name of its style."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table. `name` is the `Row.name` it belongs to; None for group heads and for everything."""

    kind: Kind
    name: str | None
    cells: tuple[Cell, ...]

    @property
    def selectable(self) -> bool:
        return self.kind in (Kind.ALL, Kind.ROW)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns there is room for, and how wide those are that vary."""

    name: int
    ports: int
    shown: frozenset[str]


def styled(state: str) -> str:
    """The name of the style of a state: what is good, bad, under way or off."""
    match state:
        case "healthy" | "running" | "completed":
            return "good"
        case "unhealthy" | "crashing" | "failed":
            return "bad"
        case "stopped" | "idle":
            return "off"
    return "busy"


def matches(row: Row, wanted: str) -> bool:
    """Whether a row is wanted by a filter: a part of its name or of its state."""
    return wanted.lower() in row.name.lower() or wanted.lower() in row.state


def columns(rows: Sequence[Row], width: int, *, tiny: bool) -> Columns:
    """The columns for `rows` in `width`: first name and state, then what matters most, as long as it fits."""
    longest = max((len(row.name) for row in rows), default=0)
    room = width - 4 - (_STATE_WIDTH + 1)
    name = max(_LEAST_NAME, min(longest, _MOST_NAME, room))
    ports = min(14, max((len(_ports(row)) for row in rows), default=0))
    room -= name
    shown = set()
    wants = (("restarts", 4), ("age", 4), ("cpu", 5), ("memory", 6), ("ports", ports + 1), ("spark", HISTORY + 1))
    for column, wide in wants if not tiny else ():
        if wide + 1 > room:
            break
        room -= wide + 1
        shown.add(column)
    return Columns(name, ports, frozenset(shown))


def listing(
    mesh: Mesh, now: float, width: int, *, wanted: str = "", tiny: bool = False, heads: bool = True
) -> list[Entry]:
    """Every line of the table. `wanted` filters; `heads` shows the groups' names."""
    rows = [row for row in mesh.rows if matches(row, wanted)]
    fit = columns(rows, width, tiny=tiny)
    entries = [] if wanted or not rows else [Entry(Kind.ALL, None, (Cell("≡ ", "dim"), Cell("everything")))]
    group = None
    for row in rows:
        if heads and row.group is not group:
            entries.append(Entry(Kind.HEAD, None, (Cell(row.group.value, "head"),)))
        group = row.group
        entries.append(Entry(Kind.ROW, row.name, tuple(_cells(row, mesh.samples(row), now, fit))))
        if row.note:
            entries.append(Entry(Kind.NOTE, row.name, (Cell(f"  └ {_one_line(row.note)}", "note"),)))
    return entries


def _cells(row: Row, samples: Sequence[Sample], now: float, fit: Columns) -> Iterator[Cell]:
    style = styled(row.state)
    name = row.name if len(row.name) <= fit.name else row.name[: fit.name - 1] + "…"
    yield Cell(f"{icon(row.state)} ", style)
    yield Cell(f"{name:<{fit.name}} ", "name" if style != "off" else "dim")
    yield Cell(f"{row.state:<{_STATE_WIDTH}} ", style)
    if "restarts" in fit.shown:
        yield Cell(f"{f'↻{row.status.restarts}' if row.status.restarts else '':>4} ", "busy")
    if "age" in fit.shown:
        yield Cell(f"{age(now - row.started_at) if row.started_at is not None else '':>4} ", "dim")
    if "cpu" in fit.shown:
        yield Cell(f"{cpu_text(samples[-1].cpu) if samples else '':>5} ")
    if "spark" in fit.shown:
        yield Cell(f"{sparkline([sample.cpu for sample in samples]):>{HISTORY}}  ", "spark")
    if "memory" in fit.shown:
        yield Cell(f"{memory_text(samples[-1].memory) if samples else '':>6} ")
    if "ports" in fit.shown:
        yield Cell(f" {_ports(row)}", "dim")


def sparkline(values: Sequence[float]) -> str:
    """The last values as bars, scaled to the highest, though never to less than 10 %."""
    top = max([10.0, *values])
    return "".join(_BARS[round(min(value, top) / top * (len(_BARS) - 1))] for value in values)


def cpu_text(percent: float) -> str:
    """Percent of one core in at most five characters."""
    return f"{percent:.1f}%" if percent < 99.5 else f"{percent:.0f}%"


def memory_text(size: int) -> str:
    """Bytes in at most five characters: `640K`, `45M`, `1.2G`."""
    for unit, factor in (("G", 1 << 30), ("M", 1 << 20)):
        if size >= factor * 0.995:
            amount = size / factor
            return f"{amount:.1f}{unit}" if amount < 10 and unit == "G" else f"{amount:.0f}{unit}"
    return f"{size / 1024:.0f}K"


def _ports(row: Row) -> str:
    """The ports one can dial from here; what they are inside does not matter to whoever looks at a table."""
    texts = [port_text(port.host, port.published, port.published or port.target, port.protocol) for port in row.ports]
    return " ".join(f":{text}" if text[0].isdigit() and "." not in text else text for text in texts)


def _one_line(text: str) -> str:
    return plain(text)
