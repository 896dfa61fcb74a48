"""How every screen looks, at the sizes people have."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from devbox.views.tui import Quit
from devbox.views.tui.app import DevboxApp
from tests.tui import scenes
from tests.tui.mesh import NOW, ScriptedControl

SIZES = [(120, 40), (80, 24), (40, 10)]

SCREENS: dict[str, tuple[Callable[[], ScriptedControl], tuple[str, ...]]] = {
    "healthy": (scenes.healthy, ()),
    "broken": (scenes.broken, ("j", "j", "j")),
    "log": (scenes.healthy, ("j", "j", "j", "l")),
    "search": (scenes.healthy, ("l", "slash", *"order", "enter")),
    "events": (scenes.broken, ("j", "j", "j", "4")),
    "health": (scenes.broken, ("G", "k", "2")),
    "metrics": (scenes.healthy, ("j", "j", "j", "3")),
    "config": (scenes.healthy, ("j", "j", "j", "i")),
    "tasks": (scenes.healthy, ("j", "j", "j", "t")),
    "map": (scenes.broken, ("j", "j", "j", "m")),
    "restart": (scenes.healthy, ("j", "j", "j", "R")),
    "filter": (scenes.broken, ("slash", *"wai")),
    "no-match": (scenes.broken, ("slash", *"zap")),
    "empty": (scenes.empty, ()),
    "fifty": (scenes.fifty, ("j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j")),
    "why": (scenes.broken, ("j", "j", "j", "y")),
    "help": (scenes.healthy, ("j", "j", "j", "question_mark")),
    "quit": (scenes.healthy, ("q",)),
    "saved": (scenes.saved, ("j", "j", "j", "A")),
    "gone": (scenes.healthy, ()),
}


async def still(pilot: Pilot[Quit]) -> None:
    """Wait until the picture stands still, however slow the machine; it draws now and then, not at once."""
    await pilot.pause(0.3)
    before = ""
    for _ in range(20):
        await pilot.pause(0.15)
        now = pilot.app.export_screenshot()
        if now == before:
            return
        before = now


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_screen(snap_compare: Callable[..., bool], name: str, size: tuple[int, int]) -> None:
    make, keys = SCREENS[name]
    control = make()

    async def act(pilot: Pilot[Quit]) -> None:
        await still(pilot)
        await pilot.press(*keys)
        if name == "gone":
            control.hang_up()
        await still(pilot)

    assert snap_compare(DevboxApp(control, "hello", clock=lambda: NOW), terminal_size=size, run_before=act)


@pytest.mark.parametrize("theme", ["colour-blind-safe", "devbox-light", "ansi-dark"])
def test_theme(snap_compare: Callable[..., bool], theme: str) -> None:
    app = DevboxApp(scenes.broken(), "hello", clock=lambda: NOW)

    async def act(pilot: Pilot[Quit]) -> None:
        app.theme = theme
        await pilot.press("j", "j", "j")
        await still(pilot)

    assert snap_compare(app, terminal_size=(120, 40), run_before=act)
