"""How every screen looks, at the sizes people have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from devbox.views.tui.commands import offers
from tests.tui import scenes
from tests.tui.hands import Hands, panel
from tests.tui.mesh import ScriptedControl

SIZES = [(120, 40), (80, 24), (40, 10)]


@dataclass(frozen=True)
class Scene:
    """A mesh, the keys that lead to what shall be seen, and words by which one sees that it is there.

    `anew`: the keys are pressed at each size, for they mean something else where there is less room, or how far a list
    was scrolled hangs on the sizes that it had on the way.
    """

    mesh: Callable[[], ScriptedControl]
    keys: tuple[str, ...]
    shows: str
    anew: bool = False


ORDERS = ("j", "j", "j")

SCREENS: dict[str, Scene] = {
    "healthy": Scene(scenes.healthy, (), "migrate"),
    "broken": Scene(scenes.broken, ORDERS, "crash"),
    "log": Scene(scenes.healthy, (*ORDERS, "l"), "order placed"),
    "search": Scene(scenes.healthy, ("l", "slash", *"order", "enter"), "order", anew=True),
    "events": Scene(scenes.broken, (*ORDERS, "4"), "exited with 3", anew=True),
    "health": Scene(scenes.broken, ("G", "k", "2"), "46 of", anew=True),
    "metrics": Scene(scenes.healthy, (*ORDERS, "3"), "CPU", anew=True),
    "config": Scene(scenes.healthy, (*ORDERS, "i"), "runs as", anew=True),
    "tasks": Scene(scenes.healthy, (*ORDERS, "t"), "orders has no tasks", anew=True),
    "map": Scene(scenes.broken, (*ORDERS, "m"), "needs migrate"),
    "restart": Scene(scenes.healthy, ("j", "j", "R"), "fresh", anew=True),
    "filter": Scene(scenes.broken, ("slash", *"wai"), "waiting"),
    "no-match": Scene(scenes.broken, ("slash", *"zap"), "No services match 'zap'."),
    "empty": Scene(scenes.empty, (), "There are no services here yet."),
    "fifty": Scene(scenes.fifty, ("j",) * 13, "service-13", anew=True),
    "why": Scene(scenes.broken, (*ORDERS, "y"), "crash-looping", anew=True),
    "help": Scene(scenes.healthy, (*ORDERS, "question_mark"), "Keys in the list", anew=True),
    "quit": Scene(scenes.healthy, ("q",), "Close the panel", anew=True),
    "saved": Scene(scenes.saved, (*ORDERS, "A"), "would", anew=True),
    "timings": Scene(scenes.timed, ("T",), "decided by"),
    "pulling": Scene(scenes.pulling, (), "31.0 MB of"),
    "ids": Scene(scenes.traced, (*ORDERS, "l", "c"), "Which id", anew=True),
    "found": Scene(scenes.traced, (*ORDERS, "l", "c", "1"), "3 lines of"),
    "search-all": Scene(scenes.healthy, ("S", *"order", "enter"), "1 line of"),
    "log-help": Scene(scenes.healthy, (*ORDERS, "l", "question_mark"), "Keys in the details", anew=True),
    "palette": Scene(scenes.healthy, ("colon", *"restart or"), "restart orders", anew=True),
}


@pytest.fixture
def compare(snapshot: SnapshotAssertion, tmp_path: Path) -> Callable[[Hands, str], None]:
    """Compare a panel with how it looked before; what it looks like now is kept where it differs."""
    pictures = snapshot.use_extension(SVGImageExtension)

    def compare(hands: Hands, name: str) -> None:
        picture = hands.app.export_screenshot(title="devbox hello", simplify=True)
        if picture != pictures(name=name):
            now = tmp_path / f"{name}.svg"
            now.write_text(picture)
            pytest.fail(f"{name} does not look as before: see {now}. As text:\n{hands.text()}")

    return compare


Compare = Callable[[Hands, str], None]


async def _see(hands: Hands, scene: Scene, compare: Compare) -> None:
    await hands.until(lambda: scene.shows in hands.text())
    await hands.at_rest()
    width, height = hands.app.size
    compare(hands, f"{width}x{height}")


@pytest.mark.parametrize("name", SCREENS)
async def test_screen(compare: Compare, name: str) -> None:
    scene = SCREENS[name]
    first, *others = SIZES
    async with panel(scene.mesh(), size=first) as hands:
        await hands.walk(*scene.keys)
        await _see(hands, scene, compare)
        for size in others if not scene.anew else ():
            await hands.resize(*size)
            await _see(hands, scene, compare)
    for size in others if scene.anew else ():
        async with panel(scene.mesh(), size=size) as hands:
            await hands.walk(*scene.keys)
            await _see(hands, scene, compare)


async def test_a_supervisor_that_is_gone(compare: Compare) -> None:
    async with panel() as hands:
        hands.control.hang_up()
        for size in SIZES:
            await hands.resize(*size)
            await _see(hands, Scene(scenes.healthy, (), "▲"), compare)


async def test_toasts(compare: Compare) -> None:
    """What went wrong is told in a corner, and hides no row that tells it too."""
    async with panel(scenes.broken(), toasts=True) as hands:
        await _see(hands, Scene(scenes.broken, (), "orders exited with 3"), compare)


async def test_a_confirmation(compare: Compare) -> None:
    """What destroys is asked about."""
    for size in SIZES:
        async with panel(size=size) as hands:
            dict(offers(hands.app))["stop everything …"]()
            await _see(hands, Scene(scenes.healthy, (), "Really stop everything"), compare)


async def test_what_a_command_says(compare: Compare, tmp_path: Path) -> None:
    words = ["ok     disk      41 GB are free", "wrong  engine    nothing answers at unix:///var/run/docker.sock"]
    (tmp_path / "devbox").write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in words))
    (tmp_path / "devbox").chmod(0o755)
    async with panel(argv=(str(tmp_path / "devbox"),)) as hands:
        hands.app.deeds.show_output("doctor")
        for size in SIZES:
            await hands.resize(*size)
            await _see(hands, Scene(scenes.healthy, (), "doctor: done"), compare)


async def test_themes(compare: Compare) -> None:
    async with panel(scenes.broken()) as hands:
        await hands.press(*ORDERS)
        for theme in ("colour-blind-safe", "devbox-light", "ansi-dark"):
            hands.app.theme = theme
            await hands.at_rest()
            compare(hands, theme)
