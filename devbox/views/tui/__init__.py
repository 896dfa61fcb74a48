"""The panel: one screen that answers what runs, what is unwell and why, and what just happened.

Textual is imported only when the panel is opened, so that no other command pays for it.
"""

from __future__ import annotations

from enum import Enum

from devbox.control.protocol import Control


class Quit(Enum):
    """What the person chose on leaving the panel."""

    LEAVE_RUNNING = "leave running"
    STOP = "stop everything"


def run(control: Control, *, project: str) -> Quit:
    """Show the panel until the person leaves it; what is to become of the mesh. A closed terminal leaves it running."""
    from devbox.views.tui.app import DevboxApp

    return DevboxApp(control, project).run() or Quit.LEAVE_RUNNING


__all__ = ["Quit", "run"]
