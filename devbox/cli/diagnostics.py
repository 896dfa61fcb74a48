"""The one module that owns stderr and exit codes."""

from __future__ import annotations

import os
import sys

from devbox.domain.errors import DevboxError, EngineUnavailable, ManifestError, NotRunning, UsageError

DONE = 0
FAILED = 1
BAD_USAGE = 2
ENGINE_UNREACHABLE = 3
NOTHING_RUNS = 4
INTERRUPTED = 130

_CODES: tuple[tuple[type[DevboxError], int], ...] = (
    (UsageError, BAD_USAGE),
    (ManifestError, BAD_USAGE),
    (EngineUnavailable, ENGINE_UNREACHABLE),
    (NotRunning, NOTHING_RUNS),
)


def exit_code(error: DevboxError) -> int:
    """The exit code that stands for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def report(error: DevboxError) -> int:
    """Say an error on stderr, with its hint; its exit code."""
    if isinstance(error, ManifestError):
        count = len(error.problems)
        say(str(error))
        say(f"\n{count} problem{'s' if count != 1 else ''} in the manifest; nothing was changed.")
        return exit_code(error)
    say(f"devbox: {error.message}")
    if error.hint:
        say(f"  {error.hint}")
    return exit_code(error)


def say(text: str) -> None:
    """Talk to the person, on stderr. A reader that has gone away is no reason to fail."""
    try:
        print(text, file=sys.stderr, flush=True)
    except BrokenPipeError:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def panel_fits() -> bool:
    """Whether there is a terminal on which a panel can be drawn; a dumb one cannot move its cursor."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def colour_wanted(stream_is_terminal: bool, ansi: str) -> bool:
    """Whether to colour: `--ansi always|never` decides, else a terminal without NO_COLOR (no-color.org) gets it."""
    if ansi != "auto":
        return ansi == "always"
    return stream_is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
