"""What was asked of the supervisor for the open tab, and answered: kept until the next answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from devbox.control.protocol import ConfigValue, Control, Row
from devbox.domain.errors import DevboxError
from devbox.domain.measure import MetricsHistory, ProbeResult


@dataclass
class Asked:
    """Answers by `Row.name`. Only those of the selected replica are kept: another one is asked for anew.

    `trouble` says why there is no answer.
    """

    probes: dict[str, tuple[ProbeResult, ...]] = field(default_factory=dict)
    histories: dict[str, MetricsHistory] = field(default_factory=dict)
    values: dict[str, tuple[ConfigValue, ...]] = field(default_factory=dict)

    trouble: str = ""

    def probes_of(self, row: Row | None) -> tuple[ProbeResult, ...] | None:
        return self.probes.get(row.name) if row else None

    def history_of(self, row: Row | None) -> MetricsHistory | None:
        return self.histories.get(row.name) if row else None

    def values_of(self, row: Row | None) -> tuple[ConfigValue, ...] | None:
        return self.values.get(row.name) if row else None

    async def ask(self, control: Control, tab: str, row: Row) -> None:
        """Ask for what a tab shows of a replica."""
        try:
            if tab == "health":
                self.probes = {row.name: await control.probes(row.service, row.replica)}
            elif tab == "metrics":
                self.histories = {row.name: await control.metrics(row.service, row.replica)}
            elif tab == "config":
                self.values = {row.name: await control.config(row.service)}
        except DevboxError as error:
            self.trouble = error.message
        except ValueError as error:
            self.trouble = f"the supervisor speaks another version: {error}"
        else:
            self.trouble = ""
