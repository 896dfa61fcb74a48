"""The service table as lines of cells, worked out from the rows and the width there is. Pure: nothing is drawn here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from devbox.control.protocol import Row
from devbox.domain.instance import Sample
from devbox.views.tui.clean import plain
from devbox.views.tui.mesh import HISTORY, Mesh
from devbox.views.words import ICONS, age, icon, port_text

TINY = 60
"""Columns of the terminal below which only icon, name and state are kept."""

_BARS = "▁▂▃▄▅▆▇█"
_STATES = {state: place for place, state in enumerate(ICONS)}
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
    """A piece of a line: its text, padded, the name of its style, and the column that it is the title of."""

    text: str
    style: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table. `name` is the `Row.name` it belongs to; None for group heads and for everything."""

    kind: Kind
    name: str | None
    cells: tuple[Cell, ...]

    @property
    def selectable(self) -> bool:
        return self.kind in (Kind.ALL, Kind.ROW)


class Order(Enum):
    """What the rows are sorted by. GROUPS has them by group and name, as the manifest thinks of them."""

    GROUPS = "group"
    NAME = "name"
    STATE = "state"
    RESTARTS = "restarts"
    AGE = "age"
    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns there is room for, and how wide those are that vary."""

    name: int
    ports: int
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class Look:
    """How the table is to be shown: the width there is, the filter, the order, whether it is tiny, heads of groups."""

    width: int
    wanted: str = ""
    order: Order = Order.GROUPS
    tiny: bool = False
    heads: bool = True


def styled(state: str) -> str:
    """The name of the style of a state: what is good, bad, under way or off."""
    match state:
        case "healthy" | "running" | "completed":
            return "good"
        case "unhealthy" | "crashing" | "failed":
            return "bad"
        case "stopped" | "idle" | "sleeping":
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
    wants = (
        ("restarts", 4), ("age", 4), ("cpu", 5), ("memory", 6), ("ports", ports + 1), ("spark", HISTORY + 1),
        ("memory-spark", HISTORY + 1),
    )  # fmt: skip
    for column, wide in wants if not tiny else ():
        if column == "ports" and not ports:
            continue
        if wide + 1 > room:
            break
        room -= wide + 1
        shown.add(column)
    return Columns(name, ports, frozenset(shown))


def listing(mesh: Mesh, now: float, look: Look) -> list[Entry]:
    """Every line of the table."""
    rows = ordered([row for row in mesh.rows if matches(row, look.wanted)], look.order, mesh)
    fit = columns(rows, look.width, tiny=look.tiny)
    entries = [] if look.wanted or not rows else [Entry(Kind.ALL, None, tuple(_titles(fit, look)))]
    group = None
    for row in rows:
        if look.heads and look.order is Order.GROUPS and row.group is not group:
            entries.append(Entry(Kind.HEAD, None, (Cell(row.group.value, "head"),)))
        group = row.group
        beside = _beside(row, fit, look)
        entries.append(Entry(Kind.ROW, row.name, tuple(_cells(row, mesh.samples(row), now, fit, beside))))
        if row.note and not beside:
            entries.append(Entry(Kind.NOTE, row.name, (Cell(f"  └ {plain(row.note)}", "note"),)))
    return entries


def ordered(rows: list[Row], order: Order, mesh: Mesh) -> list[Row]:
    """The rows as `order` has them; what is worst or most comes first. Rows that are alike stay by group and name."""

    def latest(row: Row) -> Sample:
        samples = mesh.samples(row)
        return samples[-1] if samples else Sample(-1.0, -1)

    keys: dict[Order, Callable[[Row], Any]] = {
        Order.NAME: lambda row: (row.service, row.replica),
        Order.STATE: lambda row: -_STATES.get(row.state, 0),
        Order.RESTARTS: lambda row: -row.status.restarts,
        Order.AGE: lambda row: -(row.started_at or 0.0),
        Order.CPU: lambda row: -latest(row).cpu,
        Order.MEMORY: lambda row: -latest(row).memory,
    }
    return sorted(rows, key=keys[order]) if order in keys else rows


def _titles(fit: Columns, look: Look) -> Iterator[Cell]:
    """The line for everything, which names the columns too."""
    yield Cell("≡ ", "dim")
    yield Cell(f"{'everything' if fit.name >= 10 else 'all':<{fit.name}} ")
    yield _title("state", f"<{_STATE_WIDTH}", look)
    for column, title, form in (
        ("restarts", "↻", ">4"),
        ("age", "age", ">4"),
        ("cpu", "cpu", ">5"),
        ("spark", "", f">{HISTORY + 1}"),
        ("memory", "mem", ">6"),
        ("memory-spark", "", f">{HISTORY + 1}"),
        ("ports", " ports", f"<{fit.ports}"),
    ):
        if column in fit.shown:
            yield _title(column, form, look, title)


def _title(column: str, form: str, look: Look, title: str | None = None) -> Cell:
    text = column if title is None else title
    return Cell(f"{text:{form}} ", "sorted" if column == look.order.value else "dim", column)


def _beside(row: Row, fit: Columns, look: Look) -> str:
    """What a replica that does not run waits for, where that fits into its row in place of its figures."""
    room = look.width - 1 - 2 - (fit.name + 1) - (_STATE_WIDTH + 1)
    note = plain(row.note)
    return note if row.status.hold is not None and row.started_at is None and 0 < len(note) <= room else ""


def _cells(row: Row, samples: Sequence[Sample], now: float, fit: Columns, beside: str) -> Iterator[Cell]:
    style = styled(row.state)
    name = row.name if len(row.name) <= fit.name else row.name[: fit.name - 1] + "…"
    yield Cell(f"{icon(row.state)} ", style)
    yield Cell(f"{name:<{fit.name}} ", "name" if style != "off" else "dim")
    yield Cell(f"{row.state:<{_STATE_WIDTH}} ", style)
    if beside:
        yield Cell(beside, "note")
        return
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
    if "memory-spark" in fit.shown:
        yield Cell(f"{sparkline([sample.memory for sample in samples], least=64 << 20):>{HISTORY}}  ", "spark")
    if "ports" in fit.shown:
        yield Cell(f" {_ports(row)}", "dim")


def sparkline(values: Sequence[float], least: float = 10.0) -> str:
    """The last values as bars, scaled to the highest, though never to less than `least`."""
    top = max([least, *values])
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
