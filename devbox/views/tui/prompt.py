"""A line to type a filter or a search into."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label


class Prompt(Horizontal):
    """Hidden until it is asked for. Tells of every change, of Enter, and of Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "submit", "keep", key_display="⏎"),
        Binding("escape", "cancel", "clear", key_display="esc"),
    ]

    class Changed(Message):
        """Something was typed; it holds from now on."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            super().__init__()
            self.prompt, self.text = prompt, text

        @property
        def control(self) -> Prompt:
            return self.prompt

    class Left(Message):
        """The prompt was closed, by Enter or Esc (then `cancelled`)."""

        def __init__(self, prompt: Prompt, *, cancelled: bool) -> None:
            super().__init__()
            self.prompt, self.cancelled = prompt, cancelled

        @property
        def control(self) -> Prompt:
            return self.prompt

    def __init__(self, sign: str, placeholder: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._sign = sign
        self._line = Input(placeholder=placeholder, compact=True)
        self._line.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield Label(self._sign)
        yield self._line

    def on_mount(self) -> None:
        self.display = False

    @property
    def text(self) -> str:
        return self._line.value

    def ask(self) -> None:
        """Come into sight and take what is typed."""
        self.display = True
        self._line.focus()

    def clear(self) -> None:
        """Forget what was typed, and go."""
        self._line.clear()
        self.display = False

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        self.display = bool(self.text)
        self.post_message(self.Left(self, cancelled=False))

    def action_cancel(self) -> None:
        self.clear()
        self.post_message(self.Left(self, cancelled=True))
