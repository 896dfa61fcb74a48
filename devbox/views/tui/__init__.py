"""The panel: one screen that answers what runs, what is unwell and why, and what just happened.

Importing this package costs nothing: Textual is loaded when the panel opens.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devbox.control.protocol import Control
    from devbox.views.tui.app import DevboxApp

__all__ = ["DevboxApp", "Quit", "run"]


class Quit(Enum):
    """What a person chose when they closed the panel; the caller acts on it."""

    LEAVE_RUNNING = "leave running"
    STOP = "stop everything"


def run(control: Control, *, project: str, argv: tuple[str, ...] = ("devbox",), as_of: float | None = None) -> Quit:
    """Show the panel until it is closed. Whatever else ends it, the mesh is left running. `argv` starts devbox.

    With `as_of` (seconds since the epoch) it shows what was recorded then: nothing can be done to it.
    """
    from devbox.views.tui.app import DevboxApp
    from devbox.views.tui.preferences import load_preferences, preferences_file

    preferences = load_preferences(preferences_file())
    app = DevboxApp(control, project, argv=argv, preferences=preferences, as_of=as_of)
    return app.run() or Quit.LEAVE_RUNNING


def __getattr__(name: str) -> Any:
    """`DevboxApp`, loaded when it is first asked for."""
    if name == "DevboxApp":
        from devbox.views.tui.app import DevboxApp

        return DevboxApp
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
