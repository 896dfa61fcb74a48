"""How a command that did not get everything it asked for tells so."""

from __future__ import annotations

from devbox.cli.diagnostics import say
from devbox.control.protocol import Verdict

_TAIL = 10


def say_unmet(verdict: Verdict) -> None:
    """Each service that is not where it was asked to be: why, its last lines, and what to try."""
    for unmet in verdict.unmet:
        say(f"✗ {unmet.service}: {unmet.reason}" if unmet.service else f"✗ {unmet.reason}")
        for line in unmet.tail[-_TAIL:]:
            say(f"    │ {line}")
        if unmet.hint:
            say(f"    {unmet.hint}")
    if verdict.unmet and verdict.unmet[0].service:
        say(f"  `devbox why {verdict.unmet[0].service}` tells more.")
