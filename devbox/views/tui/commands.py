"""The palette: everything that can be done, to the mesh and to every service, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from devbox.control.protocol import Action, Row
from devbox.views.tui.actions import runs, ways_to_remake
from devbox.views.tui.detail import TABS
from devbox.views.tui.listing import Order

if TYPE_CHECKING:
    from devbox.views.tui.app import DevboxApp

Offer = tuple[str, Callable[[], object]]
"""The words of a command, and what it does."""


class PanelCommands(Provider):
    """`map`, `sort by cpu`, `restart api`, `why api`, `log of api`, `task api test` …"""

    async def discover(self) -> Hits:
        for words, act in offers(cast("DevboxApp", self.app)):
            yield DiscoveryHit(words, act)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for words, act in offers(cast("DevboxApp", self.app)):
            if (score := matcher.match(words)) > 0:
                yield Hit(score, matcher.highlight(words), act)


def offers(app: DevboxApp) -> Iterator[Offer]:
    """Everything that can be done now. Of a record: what can be looked at."""
    lives = app.mesh.as_of is None
    yield from _of_the_mesh(app, lives=lives)
    services: dict[str, Row] = {}
    for row in app.mesh.rows:
        services.setdefault(row.service, row)
        yield from _to_look_at(app, row)
    for row in services.values():
        yield f"why {row.service}", partial(app.ask_why, row.service)
        if lives:
            yield from _to_do_to(app, row)


def _of_the_mesh(app: DevboxApp, *, lives: bool) -> Iterator[Offer]:
    yield "map: what needs what", app.show_map
    yield "all logs, merged", app.panel.action_everything
    yield "search all logs from their beginning", app.panel.action_search_all
    for order in Order:
        yield f"sort by {order.value}", partial(app.panel.sort_by, order)
    if not lives:
        return
    yield "timings: what the last start waited for", app.show_timings
    yield "report: one file that says how it all is, for an issue", partial(app.deeds.show_output, "report")
    yield "doctor: what is wrong with this machine", partial(app.deeds.show_output, "doctor")
    yield "restart everything …", partial(app.deeds.act_on_all, Action.RESTART, _by("restart everything"))
    yield "stop everything …", partial(app.deeds.act_on_all, Action.STOP, _by("stop everything"))
    if app.mesh.pending is not None:
        yield "what the saved manifest changes", app.action_show_saved
        if not app.mesh.pending.problems:
            yield "apply the saved manifest", partial(app.deeds.take_over, _by("apply"))


def _to_look_at(app: DevboxApp, row: Row) -> Iterator[Offer]:
    for number, (tab, _) in enumerate(TABS, 1):
        yield f"{tab} of {row.name}", partial(app.open_tab, row.name, number)


def _to_do_to(app: DevboxApp, row: Row) -> Iterator[Offer]:
    service = row.service
    yield f"restart {service}", partial(app.deeds.act, Action.RESTART, service, _by("restart"))
    toggled = Action.STOP if runs(row) else Action.START
    yield f"{toggled} {service}", partial(app.deeds.act, toggled, service, _by(toggled))
    for way in ways_to_remake(row):
        if way.sure:
            yield f"{way.id} {service} …", partial(app.deeds.ask_how, row)
        elif way.id != "restart":
            yield f"{way.id} {service}", partial(app.deeds.remake, service, way.id)
    for task in row.tasks:
        yield f"task {service} {task}", partial(app.run_task, row, task)
    if row.started_at is not None:
        yield f"shell beside {service}", partial(app.deeds.open_shell, row)
    if row.url:
        yield f"browser on {service}", partial(app.open_url, row.url)


def _by(what: str) -> str:
    """Who says so, in the words that `why` repeats."""
    return f"{what} in the panel's palette"
