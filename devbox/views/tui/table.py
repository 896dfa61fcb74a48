"""The list of services."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from devbox.control.protocol import Row
from devbox.domain.instance import Sample
from devbox.domain.spec import UnitKey
from devbox.views.words import age, icon, port_text

COLUMNS = ("state", "name", "↻", "age", "cpu", "mem", "ports", "note")
_NARROW = ("state", "name")
_STYLES = {
    "healthy": "green",
    "running": "green",
    "completed": "dim green",
    "unhealthy": "bold red",
    "failed": "bold red",
    "crashing": "bold red",
    "backoff": "yellow",
    "waiting": "yellow",
    "stopped": "dim",
    "idle": "dim",
}


class ServiceTable(DataTable[Text]):
    """One row a replica. Cells are changed only where they differ."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "app.restart", "restart"),
        Binding("s", "app.stop_or_start", "stop/start"),
        Binding("y", "app.why", "why"),
        Binding("l,enter", "app.open_logs", "logs", key_display="l"),
        Binding("slash", "app.filter", "filter"),
        Binding("0", "app.merged", "all logs"),
        Binding("w", "app.open_browser", "open"),
        Binding("j", "cursor_down", "down", show=False),
        Binding("k", "cursor_up", "up", show=False),
        Binding("g", "scroll_top", "top", show=False),
        Binding("G", "scroll_bottom", "end", show=False),
    ]

    class Chosen(Message):
        """Another row is under the cursor."""

        def __init__(self, key: UnitKey) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self._shown: dict[UnitKey, tuple[Text, ...]] = {}
        self._columns: tuple[str, ...] = COLUMNS

    def on_mount(self) -> None:
        self._add_columns()

    def _add_columns(self) -> None:
        for name in self._columns:
            self.add_column(name.upper(), key=name)

    @property
    def chosen(self) -> UnitKey | None:
        """The replica under the cursor."""
        keys = list(self._shown)
        return keys[self.cursor_row] if 0 <= self.cursor_row < len(keys) else None

    def set_narrow(self, narrow: bool) -> None:
        """Keep only state and name where there is no room for more."""
        columns = _NARROW if narrow else COLUMNS
        if columns != self._columns:
            self._columns, shown = columns, dict(self._shown)
            self._shown = {}
            self.clear(columns=True)
            self._add_columns()
            for key, cells in shown.items():
                self._add(key, cells)

    def show(self, rows: list[Row], samples: dict[str, Sample], now: float) -> None:
        """Show these rows, in this order."""
        wanted = {UnitKey(row.service, row.replica): cells_of(row, samples.get(row.name), now) for row in rows}
        if list(wanted) != list(self._shown):
            self._rebuild(wanted)
            return
        for key, cells in wanted.items():
            for column, old, new in zip(COLUMNS, self._shown[key], cells, strict=True):
                if old != new and column in self._columns:
                    self.update_cell(str(key), column, new, update_width=len(new) > len(old))
            self._shown[key] = cells

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        if (key := self.chosen) is not None:
            self.post_message(self.Chosen(key))

    def _rebuild(self, wanted: dict[UnitKey, tuple[Text, ...]]) -> None:
        chosen = self.chosen
        self.clear()
        self._shown = {}
        for key, cells in wanted.items():
            self._add(key, cells)
        if chosen in self._shown:
            self.move_cursor(row=list(self._shown).index(chosen))

    def _add(self, key: UnitKey, cells: tuple[Text, ...]) -> None:
        self._shown[key] = cells
        shown = [cell for column, cell in zip(COLUMNS, cells, strict=True) if column in self._columns]
        self.add_row(*shown, key=str(key))


def cells_of(row: Row, sample: Sample | None, now: float) -> tuple[Text, ...]:
    """The cells of a row, one for each of COLUMNS."""
    style = _STYLES.get(row.state, "yellow")
    ports = ", ".join(port_text(p.host, p.published, p.target, p.protocol) for p in row.ports)
    return (
        Text(f"{icon(row.state)} {row.state}", style),
        Text(row.name),
        Text(str(row.status.restarts or ""), "yellow", justify="right"),
        Text(age(now - row.started_at) if row.started_at else "", "dim", justify="right"),
        Text(f"{sample.cpu:.0f}%" if sample else "", justify="right"),
        Text(memory(sample.memory) if sample else "", justify="right"),
        Text(ports, "dim"),
        Text(row.note, style),
    )


def memory(size: int) -> str:
    """Bytes in at most five characters: `12M`, `1.2G`."""
    if size >= 1 << 30:
        return f"{size / (1 << 30):.1f}G"
    return f"{size / (1 << 20):.0f}M"
