"""`python -m screenshots.make`: brings the hello mesh up, opens the panel on it, and takes its pictures.

With `--attach PROJECT`, of a mesh that runs already. SVG and PNG go to this folder, or to the one given with `--into`.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import cairosvg
from textual.pilot import Pilot

from devbox.control.stream import StreamingControl
from devbox.domain.places import Places
from devbox.views.tui import Quit
from devbox.views.tui.app import DevboxApp

HERE = Path(__file__).parent
MANIFEST = HERE.parent / "profiles" / "hello" / "devbox.yaml"
DEVBOX = Path(sys.executable).with_name("devbox")

Act = Callable[[Pilot[Quit]], Awaitable[None]]


async def _overview(pilot: Pilot[Quit]) -> None:
    await pilot.pause(4.5)


async def _logs_of(pilot: Pilot[Quit]) -> None:
    await pilot.press("j", "j", "j", "l")
    await pilot.pause(2)


async def _merged(pilot: Pilot[Quit]) -> None:
    await pilot.press("0")
    await pilot.pause(3)


async def _why(pilot: Pilot[Quit]) -> None:
    await pilot.press("j", "j", "j", "y")
    await pilot.pause(1)


async def _help(pilot: Pilot[Quit]) -> None:
    await pilot.press("question_mark")
    await pilot.pause(0.5)


async def _quit(pilot: Pilot[Quit]) -> None:
    await pilot.press("q")
    await pilot.pause(0.5)


async def _tab(pilot: Pilot[Quit], key: str) -> None:
    await pilot.press("j", "j", "j", key)
    await pilot.pause(3)


async def _health(pilot: Pilot[Quit]) -> None:
    await _tab(pilot, "2")


async def _metrics(pilot: Pilot[Quit]) -> None:
    await _tab(pilot, "3")


async def _events(pilot: Pilot[Quit]) -> None:
    await _tab(pilot, "4")


async def _config(pilot: Pilot[Quit]) -> None:
    await _tab(pilot, "5")


async def _map(pilot: Pilot[Quit]) -> None:
    await _tab(pilot, "m")


async def _restart(pilot: Pilot[Quit]) -> None:
    await _tab(pilot, "R")


SCREENS: dict[str, tuple[tuple[int, int], Act]] = {
    "panel": ((120, 36), _overview),
    "panel-200x50": ((200, 50), _overview),
    "panel-80x24": ((80, 24), _overview),
    "panel-40x10": ((40, 10), _overview),
    "logs": ((120, 36), _logs_of),
    "all-logs": ((120, 36), _merged),
    "health": ((120, 36), _health),
    "metrics": ((120, 36), _metrics),
    "events": ((120, 36), _events),
    "config": ((120, 36), _config),
    "map": ((100, 24), _map),
    "restart": ((100, 24), _restart),
    "why": ((120, 36), _why),
    "help": ((120, 36), _help),
    "quit": ((80, 24), _quit),
}


async def take(project: str, into: Path) -> None:
    """Take every picture of a mesh that runs."""
    for name, (size, act) in SCREENS.items():
        app = DevboxApp(StreamingControl(Places.of(project).socket, project), project)
        async with app.run_test(size=size) as pilot:
            await pilot.pause(1)
            await act(pilot)
            svg = app.export_screenshot(title=f"devbox — {project}")
        (into / f"{name}.svg").write_text(svg)
        # The font that the picture names is not on every machine, and what comes in its place must be monospaced too.
        png = svg.replace("Fira Code", "DejaVu Sans Mono")
        cairosvg.svg2png(bytestring=png.encode(), write_to=str(into / f"{name}.png"), output_width=1400)
        print(into / f"{name}.svg")


def main() -> None:
    """Take the pictures, of the mesh named or of hello."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attach", metavar="PROJECT")
    parser.add_argument("--into", type=Path, default=HERE)
    args = parser.parse_args()
    args.into.mkdir(exist_ok=True)
    if args.attach:
        asyncio.run(take(args.attach, args.into))
        return
    subprocess.run([DEVBOX, "-f", MANIFEST, "up", "-d", "--wait"], check=True)
    try:
        asyncio.run(take("hello", args.into))
    finally:
        subprocess.run([DEVBOX, "-f", MANIFEST, "down", "-v"], check=True)


if __name__ == "__main__":
    main()
