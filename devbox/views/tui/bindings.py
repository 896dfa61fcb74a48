"""The names of all keys of the panel, by which they can be bound anew."""

from __future__ import annotations

from textual.binding import Binding
from textual.dom import DOMNode


def named_bindings() -> dict[str, Binding]:
    """Every binding that has a name, as it is until somebody changes it."""
    from devbox.views.tui.app import DevboxApp
    from devbox.views.tui.found import FoundScreen
    from devbox.views.tui.logview import LogView
    from devbox.views.tui.mapscreen import MapScreen, MapView
    from devbox.views.tui.said import SaidScreen
    from devbox.views.tui.screen import MeshScreen
    from devbox.views.tui.table import ServiceTable
    from devbox.views.tui.tailview import TailView
    from devbox.views.tui.taskspane import TaskList
    from devbox.views.tui.timingscreen import TimingsScreen

    rooms: tuple[type[DOMNode], ...] = (
        DevboxApp, MeshScreen, ServiceTable, TailView, LogView, TaskList, MapScreen, MapView, FoundScreen, SaidScreen,
        TimingsScreen,
    )  # fmt: skip
    found: dict[str, Binding] = {}
    for room in rooms:
        for binding in room.BINDINGS:
            if isinstance(binding, Binding) and binding.id:
                found.setdefault(binding.id, binding)
    return found


def binding_ids() -> list[str]:
    """The names alone."""
    return sorted(named_bindings())
