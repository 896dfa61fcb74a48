"""`devbox open FILE`: a report in the panel."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import panel_fits, say
from devbox.control.recorded import RecordedControl, read_report
from devbox.domain.errors import UsageError


def run(args: Arguments) -> int:
    recorded = read_report(Path(args.report))
    if not panel_fits():
        raise UsageError("the panel needs a terminal", hint=f"`tar -xzf {args.report}` has all of it as JSON.")
    import devbox.views.tui as tui

    tui.run(RecordedControl(recorded), project=recorded.project, argv=(sys.executable, "-m", "devbox"))
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(recorded.made_at))
    say(f"that was {recorded.project} as of {made}")
    return 0
