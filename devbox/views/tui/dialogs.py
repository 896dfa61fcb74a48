"""Screens over the panel: the question before it closes, and the keys there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList, Static
from textual.widgets.option_list import Option

from devbox.views.tui import Quit
from devbox.views.tui.listing import TINY


class QuitDialog(ModalScreen[Quit | None]):
    """Closing the panel never stops anything that was not asked to stop: leave running, stop everything, or stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,q", "leave", "leave running", show=False),
        Binding("s", "stop", "stop everything", show=False),
        Binding("c,escape", "cancel", "cancel", show=False),
        Binding("j", "focused.cursor_down", "down", show=False),
        Binding("k", "focused.cursor_up", "up", show=False),
    ]

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Label(f"Close the panel of {self._project}?", id="question", markup=False)
            yield OptionList(
                Option("l  leave it running: `devbox attach` comes back", id="leave"),
                Option("s  stop everything, and take it away", id="stop"),
                Option("c  cancel: stay here", id="cancel"),
                compact=True,
            )

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        await self.run_action(event.option_id or "cancel")

    def action_leave(self) -> None:
        self.dismiss(Quit.LEAVE_RUNNING)

    def action_stop(self) -> None:
        self.dismiss(Quit.STOP)

    def action_cancel(self) -> None:
        self.dismiss(None)


class HelpScreen(ModalScreen[None]):
    """Every key that works where one was when asking, read from the bindings themselves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "close", "close"),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, where: str, here: list[ActiveBinding], everywhere: list[ActiveBinding]) -> None:
        super().__init__()
        self._where, self._here, self._everywhere = where, here, everywhere

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Label(f"Keys in the {self._where}", classes="heading")
            yield Static(self._keys(self._here))
            yield Label("Keys everywhere", classes="heading")
            yield Static(self._keys(self._everywhere))
            yield Label("Esc closes this. The mouse works too.", classes="dim")

    def action_close(self) -> None:
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#dialog").scroll_relative(y=lines, animate=False)

    def _keys(self, bindings: list[ActiveBinding]) -> Table:
        grid, roomy = Table.grid(padding=(0, 2)), self.app.size.width >= TINY
        grid.add_column(no_wrap=roomy, min_width=13 if roomy else 7, max_width=None if roomy else 7)
        grid.add_column()
        for keys, does in described(bindings, self.app.get_key_display):
            grid.add_row(Text(keys, "bold"), Text(does))
        return grid


def described(bindings: list[ActiveBinding], display: Callable[[Binding], str]) -> list[tuple[str, str]]:
    """(keys, what they do), one for each action."""
    keys: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    for active in bindings:
        binding = active.binding
        written = display(binding)
        if binding.description and written not in keys.setdefault(binding.action, []):
            keys[binding.action].append(written)
            words[binding.action] = active.tooltip or binding.tooltip or binding.description.capitalize()
    return [(" ".join(keys[action]), words[action]) for action in words]
