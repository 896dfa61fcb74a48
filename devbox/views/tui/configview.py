"""The Config tab: what a service is, and what the manifest says of it, with where each value comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from textwrap import wrap

from rich.text import Text

from devbox.control.protocol import ConfigValue, Row
from devbox.views.tui.clean import harmless
from devbox.views.tui.factview import FactView
from devbox.views.tui.healthview import no_answer
from devbox.views.tui.timeline import clock
from devbox.views.words import port_text

_WIDEST_KEY = 34


class ConfigView(FactView):
    """Facts of one replica, then what the manifest says of its service and where."""

    def show_row(
        self,
        row: Row | None,
        files: tuple[str, ...],
        about: str,
        values: tuple[ConfigValue, ...] | None = None,
        trouble: str = "",
    ) -> None:
        """Show what is known of a replica. Of the whole mesh: its files.

        `values` None: nobody has answered yet, or `trouble` says why.
        """
        if row is None:
            self.show(None, list(self._mesh(files, about)))
        else:
            self.show(row.name, [*self._facts_of(row), Text(), *self._said(values, trouble)])

    def _said(self, values: tuple[ConfigValue, ...] | None, trouble: str) -> Iterator[Text]:
        yield Text(" what the manifest says", self._part("fact--head"))
        if trouble:
            for line in wrap(harmless(no_answer(trouble)), max(20, self.room - 2)):
                yield Text(f" {line}", self._part("fact--bad"))
        elif values is None:
            yield Text(" Asking for it …", self._part("fact--dim"))
        elif not values:
            yield Text(" Nothing is known of it here.", self._part("fact--dim"))
        values = values or ()
        widest = min(max((len(value.key) for value in values), default=0), _WIDEST_KEY, self.room // 2)
        for value in values:
            yield from self._value(value, widest)

    def _value(self, value: ConfigValue, widest: int) -> Iterator[Text]:
        """A value with its place behind it, or below where there is no room; then what it stands on."""
        line = Text.assemble((f" {harmless(value.key):<{widest}}  ", self._part("fact--key")), harmless(value.value))
        place = Text(f"  {_place(value.origin)}", self._part("fact--dim"))
        if line.cell_len + place.cell_len < self.room:
            yield line.append_text(place)
        else:
            yield line
            yield Text.assemble(" " * (widest + 1), place)
        for origin, old in value.overrode:
            over = (f"{' ' * (widest + 3)}over {_place(origin)}: ", self._part("fact--dim"))
            yield Text.assemble(over, (harmless(old), self._part("fact--old")))

    def _mesh(self, files: tuple[str, ...], about: str) -> Iterator[Text]:
        yield Text(f" {about}", self._part("fact--head"))
        for file in files:
            yield self._line("file", _short(file))
        yield Text()
        yield Text(" Select a service to see what it is, and where that is said.", self._part("fact--dim"))

    def _facts_of(self, row: Row) -> Iterator[Text]:
        yield Text(f" {row.name}", self._part("fact--head"))
        yield self._line("runs as", "a host process" if row.runtime == "process" else f"a container ({row.runtime})")
        if row.pid:
            yield self._line("pid", str(row.pid))
        if row.started_at is not None:
            yield self._line("started", f"{clock(row.started_at)}, restarts so far: {row.status.restarts}")
        if row.exit_code is not None and row.started_at is None:
            yield self._line("exit code", str(row.exit_code))
        for port in row.ports:
            text = port_text(port.host, port.published, port.target, port.protocol)
            yield self._line("port", text if port.published else f"{text}, not published")
        if row.url:
            yield self._line("opens", row.url)
        yield self._line("needs", ", ".join(row.needs) or "nothing")
        yield self._line("fingerprint", row.fingerprint[:12] or "none yet")

    def _line(self, key: str, value: str) -> Text:
        return Text.assemble((f" {harmless(key):<12} ", self._part("fact--key")), harmless(value))


def _place(origin: str) -> str:
    """`file:line:column` with the file as it is called from here."""
    file, colon, where = harmless(origin).partition(":")
    return f"{_short(file)}{colon}{where}" if os.path.isabs(file) else harmless(origin)


def _short(path: str) -> str:
    """A path from where one stands, if it is below there."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
