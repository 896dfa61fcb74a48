"""What comes up over the panel: help, the answer to why, and the question on leaving."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Label, Static

from devbox.views.tui import Quit


class QuitDialog(ModalScreen[Quit | None]):
    """Asks what is to become of the mesh."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "answer('leave')", "leave running"),
        Binding("s", "answer('stop')", "stop everything"),
        Binding("escape,q", "answer('')", "cancel"),
    ]

    def __init__(self, project: str, replicas: int) -> None:
        super().__init__()
        self._project, self._replicas = project, replicas

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(f"{self._replicas} of {self._project} run. Leave the panel?", classes="question")
            with Horizontal(classes="buttons"):
                yield Button("Leave running (l)", variant="primary", id="leave")
                yield Button("Stop everything (s)", variant="error", id="stop")
                yield Button("Cancel (Esc)", id="cancel")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id or "")

    def action_answer(self, answer: str) -> None:
        self.dismiss({"leave": Quit.LEAVE_RUNNING, "stop": Quit.STOP}.get(answer))


class TextDialog(ModalScreen[None]):
    """A text to read and put away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y,question_mark,enter", "dismiss", "close", key_display="Esc"),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog reading") as box:
            box.border_title = self._title
            box.border_subtitle = "Esc closes"
            yield Static(self._text, markup=False)
