"""The lines above the table: what the mesh comes to, and what is wrong with the connection to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from devbox.views.tui.clean import plain
from devbox.views.tui.listing import cpu_text, memory_text, styled
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.saved import sentence
from devbox.views.tui.style import part
from devbox.views.words import icon


class TopBar(Widget):
    """Project, counts by state, total CPU and memory, in one line."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "bar--project",
        "bar--good",
        "bar--bad",
        "bar--busy",
        "bar--off",
        "bar--dim",
    }

    def __init__(self, mesh: Mesh, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._mesh = mesh
        self._drawn = ""

    def update(self) -> None:
        """Draw again, if there is anything else to show."""
        now = f"{self._mesh.project}{self._mesh.counts()}{self._mesh.total()}{self._mesh.connected}{self._mesh.outages}"
        if now != self._drawn:
            self._drawn = now
            self.refresh()

    def render(self) -> Text:
        width = self.size.width
        head = Text(f" {self._mesh.project} ", self._part("bar--project"), no_wrap=True)
        if self._mesh.as_of is not None:
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self._mesh.as_of))
            head.append(f"as of {moment} ", self._part("bar--busy"))
        totals = self._engine().append_text(self._totals())
        counts = self._counts(words=True)
        if head.cell_len + counts.cell_len + totals.cell_len > width:
            totals = Text()
        if head.cell_len + counts.cell_len > width:
            counts = self._counts(words=False)
        gap = width - head.cell_len - counts.cell_len - totals.cell_len
        return Text.assemble(head, counts, " " * max(0, gap), totals, no_wrap=True)

    def _counts(self, *, words: bool) -> Text:
        pieces = Text()
        for state, count in self._mesh.counts():
            text = f" {icon(state)} {count} {state} " if words else f" {icon(state)} {count}"
            pieces.append(text, self._part(f"bar--{styled(state)}"))
        return pieces

    def _engine(self) -> Text:
        """How the container engine is; nothing where none has to do with this mesh."""
        if self._mesh.outages:
            return Text(" ▲ engine gone ", self._part("bar--bad"))
        return Text(" ● engine " if self._mesh.runs_containers else "", self._part("bar--good"))

    def _totals(self) -> Text:
        total = self._mesh.total()
        if total is None:
            return Text()
        return Text(f" cpu {cpu_text(total.cpu)}  memory {memory_text(total.memory)} ", self._part("bar--dim"))

    def _part(self, name: str) -> Style:
        return part(self, name)


class Banner(Widget):
    """Says that the supervisor or an engine is not there, or that a saved manifest waits, and what to do.

    It is not there itself while there is nothing to say.
    """

    ALLOW_SELECT = False

    def __init__(self, mesh: Mesh, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._mesh = mesh
        self._said: tuple[str, ...] | None = None

    def update(self) -> None:
        """Come, go, or say something else; while there is nothing new to say, nothing is laid out anew."""
        said = tuple(self._sentences())
        if said != self._said:
            self._said = said
            self.display = bool(said)
            self.set_class(not self._mesh.trouble and not self._mesh.outages, "-news")
            self.refresh(layout=True)

    def render(self) -> Text:
        return Text("\n").join(Text(f"▲ {sentence}") for sentence in self._sentences())

    def _sentences(self) -> Iterator[str]:
        seen = "Shown as last seen." if self._mesh.known else ""
        if self._mesh.trouble:
            yield f"{self._mesh.trouble.rstrip('.')}. {seen} `devbox up -d` brings it back; trying every second …"
            return
        for outage in self._mesh.outages:
            said = plain(outage.message)
            where = f" ({outage.address})" if outage.address and outage.address not in said else ""
            yield f"{said[:1].upper()}{said[1:]}{where}. {seen} {plain(outage.hint)}".rstrip()
        if (pending := self._mesh.pending) is not None:
            yield f"{sentence(pending)} · {'A shows all' if pending.problems else 'a applies · A shows the plan'}"
