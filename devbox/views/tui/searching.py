"""A screen with one log view and a line to search it with."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Label

from devbox.views.tui.keybar import KeyBar
from devbox.views.tui.logview import LogView
from devbox.views.tui.prompt import Prompt


class SearchableScreen(Screen[None]):
    """Searches `view` for what is typed into `search`. Esc ends the search first, then the screen.

    `heading` stands above the view. `mark` is what is marked while nothing else is looked for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "back", key_display="esc", id="back", tooltip="Back to where you were"),
    ]

    def __init__(self, view: LogView, heading: str = "", mark: str = "") -> None:
        super().__init__()
        self.view, self.mark = view, mark
        self.heading = Label(heading, id="heading", markup=False)
        self.search = Prompt("/", "search: text or regular expression", id="search")

    def compose(self) -> ComposeResult:
        yield self.heading
        yield self.view
        yield self.search
        yield KeyBar(id="keys")

    def action_close(self) -> None:
        if self.search.display:
            self.search.clear()
            self.view.look_for(self.mark)
            self.view.focus()
        else:
            self.dismiss()

    def action_search(self) -> None:
        self.search.ask()

    @on(Prompt.Changed, "#search")
    def _searched(self, event: Prompt.Changed) -> None:
        self.view.look_for(event.text or self.mark)

    @on(Prompt.Left, "#search")
    def _search_left(self, event: Prompt.Left) -> None:
        self.view.focus()
        if not event.cancelled:
            self.view.action_match(-1)

    @on(LogView.Asked)
    def _asked(self, event: LogView.Asked) -> None:
        from devbox.views.tui.app import DevboxApp

        if isinstance(self.app, DevboxApp):
            self.app.logs.serve(event.view, event.what, event.lines)
