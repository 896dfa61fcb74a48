"""The palette: every command on every service, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from devbox.control.protocol import Action
from devbox.views.tui.actions import runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from devbox.views.tui.app import DevboxApp


class ServiceCommands(Provider):
    """`restart api`, `stop api`, `why api`, `log of api` …"""

    async def discover(self) -> Hits:
        for words, act in self._commands():
            yield DiscoveryHit(words, act)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for words, act in self._commands():
            if (score := matcher.match(words)) > 0:
                yield Hit(score, matcher.highlight(words), act)

    def _commands(self) -> Iterator[tuple[str, Callable[[], None]]]:
        app = cast("DevboxApp", self.app)
        done: set[str] = set()
        for row in app.mesh.rows:
            yield f"log of {row.name}", partial(app.open_log, row.name)
            if row.service in done:
                continue
            done.add(row.service)
            yield f"why {row.service}", partial(app.ask_why, row.service)
            if app.mesh.as_of is not None:
                continue
            yield (
                f"restart {row.service}",
                partial(app.act, Action.RESTART, row.service, "restart in the panel's palette"),
            )
            toggled = Action.STOP if runs(row) else Action.START
            yield (
                f"{toggled} {row.service}",
                partial(app.act, toggled, row.service, f"{toggled} in the panel's palette"),
            )
