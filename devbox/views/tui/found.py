"""Lines from the whole history that were asked for: the path of a request across the mesh, or what a search found."""

from __future__ import annotations

from textual import on

from devbox.views.tui.logview import LogView
from devbox.views.tui.searching import SearchableScreen
from devbox.views.tui.tailview import TailView


class FoundScreen(SearchableScreen):
    """A log view on lines of several services, in the order of time. `mark` is what they have in common."""

    def __init__(self, names: dict[tuple[str, int], str], mark: str) -> None:
        super().__init__(LogView(id="found"), mark=mark)
        self._names = names
        self._done = False
        self.view.known_search = mark

    def on_mount(self) -> None:
        self.view.begin(merged=True, names=self._names)
        self.view.look_for(self.mark)
        self.view.focus()
        self.tell(done=False)

    def tell(self, *, done: bool) -> None:
        """Say how many there are."""
        self._done = self._done or done
        count, stand = len(self.view.buffer), self.view.stand
        if not count:
            self.view.say(f"No line has {self.mark}." if self._done else "Looking through the logs of every service …")
        services = {line.source.name for _, line in self.view.buffer.numbered(self.view.buffer.first)}
        lines = f"{count:,} line{'s' if count != 1 else ''}{' of ' if services else ''}{', '.join(sorted(services))}"
        end = f" · {stand}" if stand else ""
        self.heading.update(f" {lines} with {self.mark}{'' if self._done else ' …'}{end}")

    @on(TailView.Moved)
    def _moved(self) -> None:
        self.tell(done=False)
