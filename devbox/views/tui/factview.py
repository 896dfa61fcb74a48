"""A view of rows that are not a stream: it opens at its top, and keeps its place while they are brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.message import Message

from devbox.views.tui.tailview import TailView


class FactView(TailView):
    """Rows that are handed over whole. `show` with another `about` begins at the top again."""

    FROM_END = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "fact--head", "fact--key", "fact--dim", "fact--good", "fact--bad", "fact--busy", "fact--old", "fact--bar",
    }  # fmt: skip

    class Resized(Message):
        """There is more room or less, and its rows may have to be others."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._facts: Sequence[Text] = ()
        self._about: object = None
        self._overlong = False

    def on_resize(self) -> None:
        super().on_resize()
        self._note_overlong()
        self.post_message(self.Resized())

    @property
    def shown(self) -> range:
        return range(len(self._facts))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "wrap":
            return self.wrapped or self._overlong
        return super().check_action(action, parameters)

    def text_of(self, number: int) -> Text:
        return self._facts[number].copy()

    def show(self, about: object, rows: Sequence[Text], words: str = "") -> None:
        """Show these rows; `words` where there are none."""
        same = about == self._about
        if same and words == self.words and list(rows) == list(self._facts):
            return
        self._about, self._facts, self.words = about, rows, words
        self._note_overlong()
        if same:
            self.repaint()
            self.grew(0)
        else:
            self.start_over()
            self.refresh_bindings()

    def _note_overlong(self) -> None:
        """Note whether a row is too long for the room there is: only then is there something to wrap."""
        overlong = any(row.cell_len > self.room for row in self._facts)
        if overlong != self._overlong:
            self._overlong = overlong
            self.refresh_bindings()
