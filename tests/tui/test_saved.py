"""A manifest that was saved while the mesh runs: what the banner says, and what its keys do."""

from __future__ import annotations

import pytest

from devbox.control.protocol import Action, PendingChange, PendingChanged
from devbox.views.tui.saved import SavedScreen, sentence
from tests.tui import scenes
from tests.tui.hands import panel

BROKEN = PendingChange(
    "compose.yaml",
    problems=("/home/ada/shop/compose.yaml:4:7: there is no key imagee\n  Did you mean image?", "compose.yaml:9:1: x"),
)


async def test_a_saved_change_is_a_banner_and_a_takes_it_over() -> None:
    async with panel() as hands:
        assert not {"a", "A"} & {*hands.keys()}
        await hands.press("a", "A")
        assert hands.done == []
        assert hands.screen is hands.panel
        hands.control.tell(PendingChanged(scenes.SAVED))
        await hands.until(lambda: "compose.yaml was saved: 2 services restart, 1 starts" in hands.text())
        assert "orders: its environment changed" in hands.text()
        await hands.until(lambda: hands.keys().get("a") == "apply")
        await hands.press("a")
        await hands.until(lambda: hands.done == [(Action.FOLLOW, (), "a in the panel")])
        hands.control.tell(PendingChanged(None))
        await hands.until(lambda: "was saved" not in hands.text() and hands.keys().get("a") is None)


async def test_the_whole_plan_can_be_seen_first() -> None:
    async with panel() as hands:
        hands.control.tell(PendingChanged(scenes.SAVED))
        await hands.until(lambda: hands.keys().get("a"))
        await hands.press("A")
        assert isinstance(hands.screen, SavedScreen)
        assert all(line in hands.text() for line in scenes.SAVED.plan)
        await hands.press("escape")
        assert hands.screen is hands.panel
        assert hands.done == []
        await hands.press("A", "a")
        await hands.until(lambda: [action for action, *_ in hands.done] == [Action.FOLLOW])
        assert hands.screen is hands.panel


async def test_a_broken_save_says_where_and_that_nothing_was_changed() -> None:
    async with panel() as hands:
        hands.control.tell(PendingChanged(BROKEN))
        words = "compose.yaml was saved and is broken, nothing was changed: compose.yaml:4:7: there is no key imagee"
        await hands.until(lambda: words in hands.text())
        assert hands.keys().get("A") == "what changes"
        assert hands.keys().get("a") is None
        await hands.press("a", "A")
        assert "Did you mean image?" in hands.text()
        assert "compose.yaml:9:1: x" in hands.text()
        await hands.press("a")
        assert isinstance(hands.screen, SavedScreen)
        assert hands.done == []


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (("stop    api  (gone from the manifest)",), "1 service stops (api: gone from the manifest)"),
        (("remove  api  (gone from the manifest)",), "1 service goes (api: gone from the manifest)"),
        (("start   api #2  (a saved manifest)  waits: db is starting",), "1 service starts (api: a saved manifest)"),
        (
            tuple(f"start   {name}  (new)" for name in "abcd"),
            "4 services start (a, b, c: new, …)",
        ),
    ],
)
def test_a_sentence_counts_what_becomes_of_services(plan: tuple[str, ...], words: str) -> None:
    assert sentence(PendingChange("x.yaml", plan)) == f"x.yaml was saved: {words}"
