"""The Metrics tab: what a replica used over the last minutes, as charts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from devbox.control.protocol import Row
from devbox.domain.measure import MetricsHistory
from devbox.views.tui.charts import bars
from devbox.views.tui.factview import FactView
from devbox.views.tui.healthview import no_answer
from devbox.views.tui.listing import cpu_text
from devbox.views.words import age, size

_LEAST_ROWS, _MOST_ROWS = 1, 6
_MARGIN = 13
"""Columns left of a chart for what its top stands for."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One series: its name, its values, how they are put, the least that reaches the top, and a limit if any."""

    title: str
    values: Sequence[float]
    put: Callable[[float], str]
    least: float
    limit: float | None = None


class MetricsView(FactView):
    """Charts of one replica, as high as leaves room for all of them."""

    def show_history(self, row: Row | None, history: MetricsHistory | None, now: float, trouble: str = "") -> None:
        """Show what a replica used; `history` None: nobody has answered yet, or `trouble` says why."""
        if row is None:
            self.show(None, (), "Select a service to see what it uses. The whole mesh is summed up at the top right.")
        elif history is None:
            self.show(row.name, (), no_answer(trouble) or "Asking for its measurements …")
        elif not history.times:
            self.show(row.name, (), _no_history(row))
        else:
            self.show(row.name, list(self._rows_for(charts_of(history), history, now)))

    def _rows_for(self, charts: list[Chart], history: MetricsHistory, now: float) -> Iterator[Text]:
        room = (self.size.height - 2) // max(1, len(charts)) - 1
        height = max(_LEAST_ROWS, min(_MOST_ROWS, room - (1 if room > 2 else 0)))
        for chart in charts:
            yield from self._chart(chart, height)
            if room > 2:
                yield Text()
        width = max(10, self.room - _MARGIN - 2)
        since = f"{age(now - history.times[0])} ago"
        shown = min(len(history.times), width)
        line = f"{since}{'now':>{max(4, shown - len(since))}}" if shown > len(since) + 4 else "now"
        restarts = f"{history.restarts} restart{'s' if history.restarts != 1 else ''}"
        yield Text(f"{restarts:>{_MARGIN - 1}} {line:>{width}}", self._part("fact--dim"))

    def _chart(self, chart: Chart, height: int) -> Iterator[Text]:
        top = max([chart.least, *chart.values])
        if chart.limit and top > chart.limit * 0.5:
            top = max(top, chart.limit)
        latest = chart.put(chart.values[-1])
        head = Text.assemble((f" {chart.title:<{_MARGIN - 2}} ", self._part("fact--head")), f"{latest:<10}")
        head.append(f" most {chart.put(max(chart.values))}", self._part("fact--dim"))
        if chart.limit:
            share = chart.values[-1] / chart.limit
            style = "bad" if share > 0.9 else "busy" if share > 0.75 else "dim"
            head.append(f" · {share:.0%} of {chart.put(chart.limit)}", self._part(f"fact--{style}"))
        yield head
        for number, line in enumerate(bars(chart.values, max(10, self.room - _MARGIN - 2), height, top)):
            edge = chart.put(top) if number == 0 and height > 1 else ""
            line = line.rjust(max(10, self.room - _MARGIN - 2))
            yield Text.assemble((f"{edge:>{_MARGIN - 1}} ", self._part("fact--dim")), (line, self._part("fact--bar")))


def charts_of(history: MetricsHistory) -> list[Chart]:
    """The charts for whatever could be measured."""
    limit = float(history.memory_limit) if history.memory_limit else None
    charts = [
        Chart("CPU", history.cpu, cpu_text, 10.0),
        Chart("memory", history.memory, _bytes, float(16 << 20), limit),
        Chart("received", history.net_rx, _rate, 1024.0),
        Chart("sent", history.net_tx, _rate, 1024.0),
        Chart("disk read", history.disk_read, _rate, 1024.0),
        Chart("disk write", history.disk_write, _rate, 1024.0),
        Chart("open files", history.open_files, lambda count: f"{count:.0f}", 10.0),
    ]
    return [chart for chart in charts if chart.values]


def _bytes(count: float) -> str:
    return size(round(count))


def _rate(count: float) -> str:
    return f"{size(round(count))}/s"


def _no_history(row: Row) -> str:
    if row.started_at is None:
        return f"{row.name} does not run, so nothing is measured."
    return "Nothing has been measured yet; the first figures come within seconds."
