"""Lines from the whole history that were asked for: the path of a request across the mesh, or what a search found."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Label

from devbox.views.tui.keybar import KeyBar
from devbox.views.tui.logview import LogView
from devbox.views.tui.prompt import Prompt
from devbox.views.tui.searching import SearchableScreen
from devbox.views.tui.tailview import TailView


class FoundScreen(SearchableScreen):
    """A log view on lines of several services, in the order of time. `title` says what they have in common."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "back", key_display="esc", id="back", tooltip="Back to where you were"),
    ]

    def __init__(self, title: str, names: dict[tuple[str, int], str], mark: str) -> None:
        super().__init__()
        self._title, self._names, self.mark = title, names, mark
        self.view = LogView(id="found")
        self._heading = Label("", id="heading", markup=False)
        self.search = Prompt("/", "search: text or regular expression", id="search")

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self.view
        yield self.search
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        self.view.begin(merged=True, names=self._names)
        self.view.look_for(self.mark)
        self.view.say("Looking through the logs of every service …")
        self.view.focus()
        self.tell(done=False)

    def tell(self, *, done: bool) -> None:
        """Say how many there are."""
        count = len(self.view.buffer)
        if done and not count:
            self.view.say(f"No line has {self.mark}.")
        services = {line.source.name for _, line in self.view.buffer.numbered(self.view.buffer.first)}
        lines = f"{count:,} line{'s' if count != 1 else ''} of {', '.join(sorted(services)) or 'no service'}"
        self._heading.update(f" {self._title}: {lines}{'' if done else ' …'}")

    @on(TailView.Moved)
    def _moved(self) -> None:
        self.tell(done=not self.view.words.endswith("…"))
