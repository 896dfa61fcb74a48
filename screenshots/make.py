"""`python -m screenshots.make`: brings the meshes up, opens the panel on them, and takes its pictures.

`hello` needs no container engine, `shop` does; `--only NAME` takes those of one. SVG and PNG go to this folder.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cairosvg
from PIL import Image

from devbox.control.stream import StreamingControl
from devbox.domain.places import Places
from devbox.views.tui.app import DevboxApp
from devbox.views.tui.preferences import Preferences

HERE = Path(__file__).parent
PROFILES = HERE.parent / "profiles"
DEVBOX = Path(sys.executable).with_name("devbox")

WIDTH, COLOURS = 1200, 255
"""Columns of dots of a PNG, and how many colours it has: a panel has few, and the folder stays small."""

PATIENCE = 100.0
"""Seconds after which a screen that does not show what it shall is a failure."""


@dataclass(frozen=True)
class Picture:
    """A screen: its size, the service that is selected, the keys that lead there, and words that it shows then.

    With `when`, nothing is pressed before the panel shows that. It is looked at for `rest` seconds more, so that there
    is some history in it.
    """

    size: tuple[int, int]
    service: str
    keys: tuple[str, ...]
    shows: str
    rest: float = 1.0
    when: str = ""


WIDE, MIDDLE = (120, 36), (100, 24)

HELLO: dict[str, Picture] = {
    "panel": Picture(WIDE, "orders", (), "what just happened", rest=3, when="unhealthy"),
    "why": Picture(WIDE, "prices", ("y",), "why prices", when="unhealthy"),
    "health": Picture(WIDE, "prices", ("2",), "of the last", rest=4),
    "panel-80x24": Picture((80, 24), "orders", (), "healthy", rest=8),
    "panel-40x10": Picture((40, 10), "orders", (), "healthy"),
    "logs": Picture(WIDE, "orders", ("l",), "order taken", rest=3),
    "search": Picture(WIDE, "", ("l", "slash", *"soap", "enter"), "of"),
    "correlate": Picture(WIDE, "", ("l", "slash", *"taken", "enter", "c", "1"), "lines of"),
    "metrics": Picture(WIDE, "orders", ("3",), "open files", rest=4),
    "events": Picture(WIDE, "worker", ("4",), "started", rest=2),
    "config": Picture(WIDE, "prices", ("5",), "what the manifest says"),
    "map": Picture(MIDDLE, "orders", ("m",), "needs migrate"),
    "timings": Picture(MIDDLE, "", ("T",), "decided by"),
    "restart": Picture(MIDDLE, "db", ("R",), "fresh"),
    "help": Picture(WIDE, "orders", ("question_mark",), "Keys in the list"),
    "palette": Picture(MIDDLE, "", ("colon", *"orders"), "restart orders"),
    "quit": Picture((80, 24), "", ("q",), "Close the panel"),
}

SHOP: dict[str, Picture] = {
    "shop": Picture((140, 40), "orders-1", (), "what just happened", rest=20),
    "shop-200x50": Picture((200, 50), "", (), "healthy", rest=8),
    "shop-request": Picture((140, 30), "", ("l", "slash", *"stored", "enter", "c", "1"), "lines of", rest=2),
    "shop-map": Picture((120, 30), "orders-1", ("m",), "needs"),
    "shop-timings": Picture((120, 30), "", ("T",), "decided by"),
}

MESHES = {"hello": HELLO, "shop": SHOP}


async def take(project: str, name: str, picture: Picture) -> None:
    """Take one picture of a mesh that runs."""
    app = DevboxApp(StreamingControl(Places.of(project).socket, project), project, preferences=Preferences("devbox"))
    async with app.run_test(size=picture.size) as pilot:
        await _until(lambda: app.at_rest, "the panel is at rest")
        if picture.service:
            app.panel.table.select(picture.service)
            await pilot.pause(1)
        await _until(lambda: picture.when in _text(app), f"{name} shows {picture.when!r}")
        for key in picture.keys:
            await pilot.press(key)
        await _until(lambda: picture.shows in _text(app), f"{name} shows {picture.shows!r}")
        await pilot.pause(picture.rest)
        svg = _at_home(app.export_screenshot(title=f"devbox — {project}", simplify=True))
    (HERE / f"{name}.svg").write_text(svg)
    # The font that the picture names is not on every machine, and what comes in its place must be monospaced too.
    png = cairosvg.svg2png(bytestring=svg.replace("Fira Code", "DejaVu Sans Mono").encode(), output_width=WIDTH)
    few = (
        Image.open(io.BytesIO(png))
        .convert("RGB")
        .quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    few.save(HERE / f"{name}.png", optimize=True)
    print(HERE / f"{name}.svg", flush=True)


def _at_home(svg: str) -> str:
    """The picture with the folder of this repository as if it were in anybody's home, and as wide as before."""
    here = re.escape(str(HERE.parent))
    return re.sub(f"{here}([^<]*)", lambda found: f"~/devbox{found[1]}".ljust(len(found[0]), "\N{NO-BREAK SPACE}"), svg)


def _text(app: DevboxApp) -> str:
    return "\n".join(line.text for line in app.screen._compositor.render_strips(app.size))


async def _until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"it never came to be that {what}")
        await asyncio.sleep(0.1)


async def take_all(project: str) -> None:
    """Take every picture of a mesh that runs."""
    for name, picture in MESHES[project].items():
        await take(project, name, picture)


def main() -> None:
    """Bring up one mesh after the other, and take its pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MESHES)
    args = parser.parse_args()
    for project in [args.only] if args.only else MESHES:
        manifest = PROFILES / project / "devbox.yaml"
        troubled = {**os.environ, "HELLO_TROUBLE": "45"}
        subprocess.run([DEVBOX, "-f", manifest, "up", "-d", "--wait"], check=True, env=troubled)
        try:
            asyncio.run(take_all(project))
        finally:
            subprocess.run([DEVBOX, "-f", manifest, "down", "-v"], check=True)


if __name__ == "__main__":
    main()
