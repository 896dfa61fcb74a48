"""Short menus over the panel: each line has a letter; what destroys is asked about once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of a menu. `key` is one character; `sure` is what is asked before it is done, empty for no question."""

    id: str
    key: str
    words: str
    sure: str = ""


class ChoiceDialog(ModalScreen[str | None]):
    """One of several things to do. Dismissed with the id of the choice, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "cancel", show=False),
        Binding("j", "focused.cursor_down", "down", show=False),
        Binding("k", "focused.cursor_up", "up", show=False),
    ]

    def __init__(self, question: str, choices: list[Choice]) -> None:
        super().__init__()
        self._question, self._choices = question, choices

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_subtitle = "Esc leaves it"
            yield Label(self._question, id="question", markup=False)
            yield OptionList(
                *(Option(f"{choice.key}  {choice.words}", id=choice.id) for choice in self._choices),
                compact=True,
                markup=False,
            )

    def on_key(self, event: events.Key) -> None:
        for choice in self._choices:
            if event.character == choice.key:
                event.stop()
                self._take(choice)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(next(choice for choice in self._choices if choice.id == event.option_id))

    def action_cancel(self) -> None:
        self.dismiss(None)

    def _take(self, choice: Choice) -> None:
        if not choice.sure:
            self.dismiss(choice.id)
            return

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.dismiss(choice.id)

        sure = [Choice("no", "n", "no, leave it as it is"), Choice("yes", "y", f"yes, {choice.words}")]
        self.app.push_screen(ChoiceDialog(choice.sure, sure), answered)
