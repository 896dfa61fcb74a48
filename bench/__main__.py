"""`python -m bench`: measures everything, prints a line each, ends with 1 if a figure is over its limit."""

from __future__ import annotations

import sys

from bench import commands, containers, logs, manifest, noticing, panel, planner, reload, schedule, sync, watching


def main() -> int:
    """Measure, print, judge."""
    figures = []
    for part in (planner, manifest, commands, reload, sync, watching, schedule, containers, noticing, panel, logs):
        for figure in part.measure():
            print(figure, flush=True)
            figures.append(figure)
    return 0 if all(figure.good for figure in figures) else 1


sys.exit(main())
