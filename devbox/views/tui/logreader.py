"""Logs read into views: of the selected one, what was before it, and what has an id anywhere in the mesh."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.worker import Worker

from devbox.control.protocol import Control
from devbox.domain.errors import DevboxError
from devbox.domain.log import LogChunk
from devbox.views.tui.choice import Choice, ChoiceDialog
from devbox.views.tui.found import FoundScreen
from devbox.views.tui.ids import Id, ids_in
from devbox.views.tui.link import lines_before, lines_like, lines_with, opened
from devbox.views.tui.logview import LogView
from devbox.views.tui.outside import save_lines

if TYPE_CHECKING:
    from devbox.views.tui.app import DevboxApp

TAIL = 5000
"""Lines of each service that are read when its log is opened."""

_HOLD = 0.08
"""Seconds for which a line of the table must stay selected before its log is opened."""

_SPEECHLESS_AFTER = 0.3
"""Seconds after which a log in which nothing came says so."""


class LogReader:
    """Brings lines from the control to the views of the panel, and does for a view what it cannot do itself."""

    def __init__(self, app: DevboxApp, control: Control) -> None:
        self._app, self._control = app, control
        self._opening: Timer | None = None
        self._reading: Worker[None] | None = None

    @property
    def has_opened(self) -> bool:
        """Whether the log of the selected one is there, or words in its place."""
        return self._opening is None and self._view.has_opened

    @property
    def is_reading(self) -> bool:
        """Whether somebody listens for more lines."""
        return self._reading is not None and not self._reading.is_finished

    @property
    def _view(self) -> LogView:
        return self._app.panel.detail.log_view

    def show_soon(self) -> None:
        """Read the log of what is selected, once it has been selected for a moment."""
        if self._opening is not None:
            self._opening.stop()
        self._opening = self._app.set_timer(_HOLD, self._show)

    def _show(self) -> None:
        self._opening = None
        if self._reading is not None:
            self._reading.cancel()
        row = self._app.panel.selected
        self._view.begin(merged=row is None, names=self._names())
        replica = row.replica if row is not None and row.replicas > 1 else None
        self._reading = self._app.run_worker(self._read((row.service,) if row else (), replica), group="log")

    async def _read(self, services: tuple[str, ...], replica: int | None) -> None:
        view = self._view
        words = self._app.set_timer(_SPEECHLESS_AFTER, lambda: view.say("Nothing has been logged yet."))
        try:
            async with opened(self._control.logs(services, tail=TAIL, follow=True)) as chunks:
                async for chunk in chunks:
                    if replica in (None, chunk.replica):
                        view.feed(chunk)
        except DevboxError as error:
            view.say(error.message)
        except ValueError as error:
            view.say(f"The supervisor speaks another version: {error}")
        finally:
            words.stop()

    def serve(self, view: LogView, what: str, lines: list[str]) -> None:
        """Do for a log view what it cannot do itself."""
        match what:
            case "copy":
                self._app.copy_to_clipboard("\n".join(lines))
                self._app.notify("Copied", timeout=2)
            case "save":
                self._save(lines)
            case "correlate":
                self._pick_id(ids_in(lines[0]))
            case "older" if view is self._view and len(view.buffer):
                self._app.run_worker(self._read_older(view), group="older", exclusive=True)

    async def _read_older(self, view: LogView) -> None:
        """Put what the log has before its first line above it; nothing where that was the first there ever was."""
        row = self._app.panel.selected
        # A millisecond more, for lines that were seen together with the first one; those that are here are left out.
        until = view.buffer[view.buffer.first].at + 0.001
        try:
            chunks = await lines_before(self._control, row.service if row else "", until, TAIL)
        except DevboxError as error:
            self._app.notify(error.message, severity="error", markup=False)
            return
        if row is not None and row.replicas > 1:
            chunks = [chunk for chunk in chunks if chunk.replica == row.replica]
        if not view.put_before(chunks):
            self._app.notify("This is where the log begins.", timeout=2)

    def _save(self, lines: list[str]) -> None:
        row = self._app.panel.selected
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._app.clock()))
        try:
            path = save_lines(lines, f"{row.name if row else self._app.mesh.project}-{stamp}.log")
        except OSError as error:
            self._app.notify(f"The log could not be saved: {error}", severity="error", markup=False)
        else:
            self._app.notify(f"{len(lines):,} lines saved to {path}", timeout=6, markup=False)

    # --- what has an id

    def _pick_id(self, ids: list[Id]) -> None:
        if not ids:
            self._app.notify("This line has no id in it.", markup=False)
        elif len(ids) == 1:
            self._show_found(ids[0].value)
        else:
            width = max(len(each.value) for each in ids)
            choices = [
                Choice(each.value, "123456789abcdefgh"[n], f"{each.value:<{width}}  {each.name}".rstrip())
                for n, each in enumerate(ids)
            ]
            self._app.push_screen(ChoiceDialog("Which id shall be followed?", choices), self._show_found)

    def _show_found(self, text: str | None) -> None:
        """Every line of every service that has an id, in the order of time."""
        if text:
            self._look_everywhere(text, lines_with(self._control, text))

    def search_everything(self, text: str) -> None:
        """Look through the whole history of every service for text or a regular expression."""
        self._look_everywhere(text, lines_like(self._control, text))

    def _look_everywhere(self, text: str, chunks: AsyncIterator[LogChunk]) -> None:
        self._app.run_worker(self._find(text, chunks), group="found", exclusive=True)

    async def _find(self, text: str, chunks: AsyncIterator[LogChunk]) -> None:
        found = FoundScreen(self._names(), text)
        await self._app.push_screen(found)
        try:
            async for chunk in chunks:
                found.view.feed(chunk)
        except DevboxError as error:
            found.view.say(error.message)
        found.view.flush()
        found.tell(done=True)

    def _names(self) -> dict[tuple[str, int], str]:
        return {(each.service, each.replica): each.name for each in self._app.mesh.rows}
