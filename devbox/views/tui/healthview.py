"""The Health tab: every probe that is remembered, how long each took, and what the last one said."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from devbox.control.protocol import Row
from devbox.domain.measure import ProbeResult
from devbox.views.tui.charts import bars
from devbox.views.tui.clean import harmless
from devbox.views.tui.factview import FactView
from devbox.views.tui.timeline import clock
from devbox.views.words import icon


class HealthView(FactView):
    """The probes of one replica, latest first, below what they come to."""

    def show_probes(self, row: Row | None, probes: tuple[ProbeResult, ...] | None, trouble: str = "") -> None:
        """Show what is known of a replica's health; `probes` None: nobody has answered yet, or `trouble` says why."""
        if row is None:
            self.show(None, (), "Select a service to see its health.")
        elif probes is None:
            self.show(row.name, (), no_answer(trouble) or "Asking for its probes …")
        elif not probes and not row.probe_output:
            self.show(row.name, (), _no_probes(row))
        else:
            self.show(row.name, list(self._rows_for(row, probes)))

    def _rows_for(self, row: Row, probes: tuple[ProbeResult, ...]) -> Iterator[Text]:
        yield Text.assemble(f" {icon(row.state)} {row.state}", style=self._part(f"fact--{_style(row)}"))
        if row.probe_output:
            said = harmless(row.probe_output.replace("\n", " ⏎ "))
            yield Text.assemble((" last output  ", self._part("fact--dim")), said)
        if not probes:
            yield Text(" Its probes are made by the engine, which tells the verdict only.", self._part("fact--dim"))
            return
        yield from self._summary(probes)
        yield Text()
        yield Text(" when          took      what it said", self._part("fact--head"))
        for probe in reversed(probes):
            yield self._probe(probe)

    def _summary(self, probes: tuple[ProbeResult, ...]) -> Iterator[Text]:
        well = [probe.latency for probe in probes if probe.ok]
        yield Text.assemble(
            (" probes       ", self._part("fact--dim")),
            f"{len(well)} of the last {len(probes)} were well",
            *([f", {took(min(well))} to {took(max(well))}"] if well else []),
        )
        latencies = [probe.latency for probe in probes]
        line = bars(latencies, min(len(latencies), max(10, self.room - 16)), 1, max(max(latencies), 0.001))[0]
        yield Text.assemble((" latency      ", self._part("fact--dim")), (line, self._part("fact--bar")))

    def _probe(self, probe: ProbeResult) -> Text:
        sign, style = ("●", "good") if probe.ok else ("▲", "bad")
        text = Text.assemble(f" {clock(probe.at)} ", (f" {took(probe.latency):>7} ", self._part("fact--dim")))
        return text.append(f" {sign} {harmless(probe.output.replace(chr(10), ' ⏎ '))}", self._part(f"fact--{style}"))


def no_answer(trouble: str) -> str:
    """Why there is nothing to show, as a sentence; empty while the answer may still come."""
    return f"The supervisor does not tell: {trouble.rstrip('.')}." if trouble else ""


def took(seconds: float) -> str:
    """A span in at most seven characters: `0.4 ms`, `12 ms`, `1.3 s`."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _style(row: Row) -> str:
    return {"healthy": "good", "running": "good", "unhealthy": "bad", "failed": "bad"}.get(row.state, "busy")


def _no_probes(row: Row) -> str:
    if row.started_at is None:
        return f"{row.name} does not run, so nothing is probed."
    return "It has no probe: it counts as well while it runs. `health:` in the manifest gives it one."
