"""Every key of the panel does what it says, and nothing says it does what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devbox.control.protocol import Action, Unmet, Verdict
from devbox.domain.errors import ControlError
from devbox.views.tui import Quit
from devbox.views.tui.dialogs import HelpScreen, QuitDialog
from devbox.views.tui.whyscreen import WhyScreen
from tests.tui import scenes
from tests.tui.hands import Hands, panel
from tests.tui.mesh import ScriptedControl, chunk, row, snapshot


async def test_r_restarts_the_selected_service_and_tells() -> None:
    async with panel() as hands:
        await hands.go_to("orders")
        await hands.press("r")
        await hands.until(lambda: hands.done == [(Action.RESTART, ("orders",), "r in the panel")])
        assert ("information", "Restarting orders") in hands.toasts


async def test_s_stops_what_runs_and_starts_what_does_not() -> None:
    async with panel() as hands:
        await hands.go_to("orders")
        assert hands.keys()["s"] == "stop"
        await hands.press("s")
        hands.control.change(row("orders", "stopped"))
        await hands.until(lambda: hands.keys()["s"] == "start")
        await hands.press("s")
        await hands.until(lambda: [action for action, *_ in hands.done] == [Action.STOP, Action.START])


async def test_what_s_does_is_said_for_every_state() -> None:
    states = {"waiting": "stop", "crashing": "stop", "completed": "start", "failed": "start"}
    async with panel(ScriptedControl(snapshot(*(row(state, state) for state in states)))) as hands:
        for state, does in states.items():
            hands.table.select(state)
            await hands.quiet()
            assert hands.keys()["s"] == does


async def test_a_command_that_fails_is_told_with_its_hint() -> None:
    async with panel() as hands:
        hands.control.verdict = ControlError("the supervisor did not answer", hint="Try again.")
        await hands.go_to("orders")
        await hands.press("r")
        await hands.until(lambda: ("error", "the supervisor did not answer\nTry again.") in hands.toasts)


async def test_a_service_that_does_not_come_back_is_told_with_its_reason() -> None:
    async with panel() as hands:
        hands.control.verdict = Verdict((Unmet("orders", "port 8001 is taken by nginx (pid 7)", hint="Stop it."),))
        await hands.go_to("orders")
        await hands.press("r")
        await hands.until(lambda: ("error", "orders: port 8001 is taken by nginx (pid 7)\nStop it.") in hands.toasts)


async def test_nothing_is_done_to_everything_at_once() -> None:
    async with panel() as hands:
        assert not {"r", "s", "y", "w"} & hands.keys().keys()
        await hands.press("r", "s", "y")
        assert hands.done == []


@pytest.mark.parametrize("key", ["l", "enter"])
async def test_the_log_takes_the_whole_width_and_esc_gives_it_back(key: str) -> None:
    async with panel() as hands:
        await hands.go_to("web")
        await hands.press(key)
        assert hands.panel.zoomed
        assert hands.app.focused is hands.log
        assert not hands.table.display or not hands.table.region
        await hands.press("escape")
        assert hands.app.focused is hands.table


async def test_0_shows_the_merged_log_with_a_name_on_each_line() -> None:
    async with panel() as hands:
        await hands.go_to("web")
        await hands.press("0")
        await hands.until(lambda: hands.control.read_logs[-1] == ())
        await hands.until(lambda: "orders  15:06:40  INFO  order placed" in hands.text())
        assert hands.table.selected is None


async def test_the_log_is_that_of_the_selected_one() -> None:
    async with panel() as hands:
        await hands.go_to("migrate")
        await hands.until(lambda: "3 migrations applied" in hands.text())
        assert "order placed" not in hands.text()


async def test_replicas_have_their_own_logs() -> None:
    rows = tuple(row("api", replica=n, replicas=2) for n in (1, 2))
    logs = (chunk("api", "from one"), chunk("api", "from two", replica=2))
    async with panel(ScriptedControl(snapshot(*rows), logs=logs)) as hands:
        await hands.go_to("api-2")
        await hands.until(lambda: "from two" in hands.text())
        assert "from one" not in hands.text()


async def test_slash_filters_the_list_by_name_and_state() -> None:
    async with panel(scenes.broken()) as hands:
        await hands.press("slash", *"wai")
        names = [entry.name for entry in hands.table.entries if entry.selectable]
        assert names == ["traffic", "web"]
        await hands.press("enter")
        assert hands.app.focused is hands.table
        await hands.press("escape")
        assert len(hands.table.entries) > 7


async def test_a_filter_that_matches_nothing_says_so() -> None:
    async with panel() as hands:
        await hands.press("slash", *"zap")
        assert "No services match 'zap'." in hands.text()
        assert "Esc clears." in hands.text()
        await hands.press("escape")
        assert "orders" in hands.text()


async def test_slash_searches_the_log_and_n_goes_through_the_matches() -> None:
    async with panel() as hands:
        hands.control.log(chunk("orders", *(f"line {n}" for n in range(500))))
        await hands.go_to("orders")
        await hands.press("l", "slash", *"line 7", "enter")
        await hands.until(lambda: "/line 7: 11 of 11" in hands.text())
        assert not hands.log.following
        await hands.press("n")
        await hands.until(lambda: "/line 7: 1 of 11" in hands.text())
        await hands.press("N", "N")
        await hands.until(lambda: "/line 7: 10 of 11" in hands.text())
        assert "line 78" in hands.text()
        await hands.press("escape")
        assert hands.log.search is None


async def test_n_is_not_offered_without_a_search() -> None:
    async with panel() as hands:
        await hands.press("l")
        assert "n" not in {*hands.keys()}
        await hands.press("slash", *"zap", "enter")
        assert "n" not in {*hands.keys()}, "nothing was found"
        await hands.press("escape", "slash", *"placed", "enter")
        assert "n" not in {*hands.keys()}, "one is on the only match"
        await hands.press("k")
        assert hands.keys()["n"] == "next"


async def test_scrolling_up_stops_following_and_counts_what_is_missed() -> None:
    async with panel() as hands:
        hands.control.log(chunk("orders", *(f"line {n}" for n in range(100))))
        await hands.go_to("orders")
        await hands.until(lambda: "line 99" in hands.text())
        await hands.press("l", "k", "k")
        hands.control.log(chunk("orders", *(f"more {n}" for n in range(1234))))
        await hands.until(lambda: "+1,234 lines" in hands.text())
        assert "more" not in hands.text()
        await hands.press("G")
        assert "more 1233" in hands.text()
        assert "lines ↓" not in hands.text()


async def test_f_stays_and_follows_again() -> None:
    async with panel() as hands:
        hands.control.log(chunk("orders", *(f"line {n}" for n in range(100))))
        await hands.go_to("orders")
        await hands.press("l", "f")
        hands.control.log(chunk("orders", "the last"))
        await hands.until(lambda: "+1 line ↓" in hands.text())
        await hands.press("f")
        await hands.until(lambda: "the last" in hands.text())


@pytest.mark.parametrize(
    ("top", "end", "onwards", "back"), [("g", "G", "pagedown", "pageup"), ("home", "end", "space", "b")]
)
async def test_keys_move_in_the_log(top: str, end: str, onwards: str, back: str) -> None:
    async with panel() as hands:
        hands.control.log(chunk("orders", *(f"line {n} {'x' * 200} end" for n in range(300))))
        await hands.go_to("orders")
        await hands.until(lambda: "line 299" in hands.text())
        await hands.press("l", top)
        assert hands.log.scroll_offset.y == 0
        first = hands.log.cursor
        assert first == hands.log.buffer.first
        await hands.press(end)
        assert "line 299" in hands.text()
        assert hands.log.following
        await hands.press(top, "j", onwards)
        assert hands.log.cursor == first + hands.log.size.height
        await hands.press(back, "k")
        assert (hands.log.cursor, hands.log.scroll_offset.y) == (first, 0)
        await hands.press(*["right"] * 8)
        assert "end" in hands.text()
        await hands.press(*["left"] * 9)
        assert "line 9 " in hands.text()


async def test_t_hides_and_shows_times() -> None:
    async with panel() as hands:
        await hands.press("l")
        assert "15:06:40" in hands.text()
        await hands.press("T")
        assert "15:06:40" not in hands.text()


@pytest.mark.parametrize(("top", "end"), [("g", "G"), ("home", "end")])
async def test_keys_move_in_the_list(top: str, end: str) -> None:
    async with panel() as hands:
        assert hands.table.selected is None
        await hands.press("j")
        assert hands.table.selected == "cache"
        await hands.press(end)
        assert hands.table.selected == "migrate"
        await hands.press("k")
        assert hands.table.selected == "worker"
        await hands.press(top)
        assert hands.table.selected is None


async def test_a_long_list_scrolls_with_what_is_selected() -> None:
    async with panel(scenes.fifty(), size=(120, 24)) as hands:
        await hands.press("G")
        assert "service-50" in hands.text()
        await hands.press("pageup", "pageup", "pageup", "pageup", "pageup", "g")
        assert "everything" in hands.text().splitlines()[1]


@pytest.mark.parametrize("tab", ["tab", "shift+tab"])
async def test_tab_goes_between_the_sides(tab: str) -> None:
    async with panel() as hands:
        await hands.press(tab)
        assert hands.app.focused is hands.log
        await hands.press(tab)
        assert hands.app.focused is hands.table


async def test_1_to_6_open_tabs() -> None:
    async with panel(scenes.broken()) as hands:
        await hands.go_to("orders")
        await hands.press("4")
        await hands.until(lambda: "15:05:44.500 exited with 3" in hands.text())
        assert "15:05:44.200" not in hands.text(), "that happened to another service"
        await hands.press("1")
        await hands.until(lambda: "stock is low" in hands.text())


async def test_y_tells_why() -> None:
    async with panel(scenes.broken()) as hands:
        await hands.go_to("orders")
        await hands.press("y")
        await hands.until(lambda: isinstance(hands.screen, WhyScreen))
        said = hands.text()
        for words in (
            "orders is crash-looping",
            "Set DATABASE_URL",
            "db: unhealthy",
            "It begins with db",
            "It said: KeyError",
            "web, traffic",
        ):
            assert words in said
        await hands.press("j", "k", "G", "g", "escape")
        assert hands.screen is hands.panel


async def test_why_folds_lines_that_are_json() -> None:
    why = replace(scenes.why_orders(), error_line=scenes.said("no", "error", code=7), tail=(scenes.said("so it goes"),))
    async with panel(ScriptedControl(snapshot(*scenes.broken_rows()), whys=(why,))) as hands:
        await hands.go_to("orders")
        await hands.press("y")
        await hands.until(lambda: "It said: ERROR no code=7" in hands.text())
        assert "│ INFO so it goes" in hands.text()


async def test_why_of_what_nobody_knows_is_a_toast() -> None:
    async with panel() as hands:
        await hands.go_to("web")
        await hands.press("y")
        await hands.until(lambda: ("error", "there is no service web") in hands.toasts)


async def test_w_is_offered_where_there_is_something_to_open() -> None:
    async with panel() as hands:
        await hands.go_to("orders")
        assert "w" not in {*hands.keys()}
        await hands.go_to("web")
        assert hands.keys()["w"] == "browser"


async def test_question_mark_lists_the_keys_of_where_one_is() -> None:
    async with panel() as hands:
        await hands.go_to("orders")
        await hands.press("question_mark")
        assert isinstance(hands.screen, HelpScreen)
        assert "Keys in the list" in hands.text()
        assert "Restart the selected service" in hands.text()
        await hands.press("escape", "l", "question_mark")
        assert "Keys in the details" in hands.text()
        assert "Go to the previous match" not in hands.text()
        await hands.press("j", "k", "question_mark")
        assert hands.screen is hands.panel


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_closing_asks_first(key: str) -> None:
    async with panel() as hands:
        await hands.press(key)
        assert isinstance(hands.screen, QuitDialog)
        await hands.press("escape")
        assert hands.screen is hands.panel
        assert hands.app.is_running


@pytest.mark.parametrize(
    ("keys", "choice"),
    [
        (("q", "l"), Quit.LEAVE_RUNNING),
        (("q", "q"), Quit.LEAVE_RUNNING),
        (("q", "enter"), Quit.LEAVE_RUNNING),
        (("q", "s"), Quit.STOP),
        (("q", "j", "enter"), Quit.STOP),
    ],
)
async def test_the_choice_is_what_the_panel_returns(keys: tuple[str, ...], choice: Quit) -> None:
    async with panel() as hands:
        await hands.press(*keys)
        await hands.until(lambda: hands.app.return_value is not None)
    assert hands.app.return_value is choice
    assert hands.control.closed
    assert hands.done == [], "what is chosen is for the caller to do"


@pytest.mark.parametrize("keys", [("q", "c"), ("q", "k", "enter")])
async def test_one_can_stay(keys: tuple[str, ...]) -> None:
    async with panel() as hands:
        await hands.press(*keys)
        await hands.until(lambda: hands.screen is hands.panel)


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_palette_has_every_command_of_every_service(key: str) -> None:
    async with panel() as hands:
        await hands.type_in_palette(key, "restart web")
        await hands.press("enter")
        await hands.until(lambda: hands.done == [(Action.RESTART, ("web",), "restart in the panel's palette")])


async def test_the_palette_opens_a_log() -> None:
    async with panel() as hands:
        await hands.type_in_palette("colon", "log of db")
        await hands.press("enter")
        await hands.until(lambda: hands.panel.zoomed and hands.table.selected == "db")


async def test_the_mouse_selects_and_opens() -> None:
    async with panel() as hands:
        await hands.pilot.click("#table", offset=(5, 5))
        assert hands.table.selected == "orders"
        await hands.pilot.click("#table", offset=(5, 5), times=2)
        await hands.until(lambda: hands.panel.zoomed)
        await hands.press("escape")
        footer = hands.text().splitlines()[-1]
        await hands.pilot.click("#keys", offset=(footer.index("r restart"), 0))
        await hands.until(lambda: [action for action, *_ in hands.done] == [Action.RESTART])
        title = hands.text().splitlines()[2]
        await hands.pilot.click("TitleBar", offset=(title.index("Events") - hands.panel.detail.region.x, 1))
        assert hands.panel.detail.tab == "events"


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)])
async def test_the_footer_never_names_a_key_that_does_nothing(size: tuple[int, int]) -> None:
    """Wherever one goes, what the footer names is enabled, and its action exists where it is looked for."""
    ways: tuple[tuple[str, ...], ...] = (
        (), ("j", "j", "j"), ("l",), ("slash", "x", "enter"), ("escape", "escape"), ("slash",), ("escape", "2", "tab"),
        ("m",), ("m", "i"), ("t",),
    )  # fmt: skip
    async with panel(size=size) as hands:
        for way in ways:
            await hands.press(*way)
            assert hands.keys(), way
            for active in hands.screen.active_bindings.values():
                if active.binding.show and active.enabled:
                    target, name, _ = hands.app._parse_action(active.binding.action, active.node)
                    assert hasattr(target, f"action_{name}") or hasattr(target, f"_action_{name}"), active


PLACES: dict[str, tuple[str, ...]] = {
    "everything": (),
    "a search": ("j", "j", "j", "l", "slash", *"order", "enter"),
    "its health": ("j", "j", "j", "2", "tab"),
    "its events": ("j", "j", "j", "4", "tab"),
    "the map": ("j", "j", "j", "m"),
    "timings": ("T",),
    "lines of an id": ("j", "j", "j", "l", "k", "c", "1"),
    "a search of all": ("S", *"order", "enter"),
}
"""Where one can be, and the keys that lead there."""

_LEADS_AWAY = {"t", "i", "0", "enter", "slash", "escape"}
"""Keys after which one is at another place; escape comes last."""


@pytest.mark.parametrize("place", PLACES)
async def test_every_key_that_the_footer_names_does_something(place: str) -> None:
    async with panel(scenes.saved()) as hands:
        await hands.walk(*PLACES[place])
        await hands.at_rest()
        screen, named = hands.screen, [*hands.keys()]
        assert named
        here = [key for key in named if key not in _LEADS_AWAY]
        for key in [*here, "escape"] if "escape" in named else here:
            before = _what_one_sees(hands)
            await hands.press(key)
            await hands.until(lambda before=before: _what_one_sees(hands) != before)  # type: ignore[misc]
            while hands.screen is not screen and key != "escape":
                await hands.press("escape")


def _what_one_sees(hands: Hands) -> object:
    return hands.text(), hands.app.focused, hands.toasts, hands.app.clipboard, hands.screen


async def test_narrow_shows_one_side_at_a_time() -> None:
    async with panel(size=(80, 24)) as hands:
        assert "1 Logs" not in hands.text()
        await hands.press("j", "enter")
        await hands.until(lambda: "1 Logs" in hands.text())
        assert "everything" not in hands.text()
        await hands.press("escape")
        assert "databases" in hands.text()
        await hands.press("4")
        assert "4 Events" in hands.text()


async def test_nothing_breaks_at_any_size() -> None:
    async with panel(scenes.broken()) as hands:
        for size in ((1, 1), (5, 2), (20, 5), (40, 10), (59, 19), (99, 20), (300, 100)):
            await hands.resize(*size)
            await hands.press(
                "j", "l", "slash", "a", "enter", "escape", "escape", "2", "escape", "question_mark", "escape", "q",
                "escape", "m", "escape", "1", "escape",
            )  # fmt: skip
            hands.text()


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (300, 100)])
async def test_it_opens_at_any_size(size: tuple[int, int]) -> None:
    async with panel(scenes.broken(), size=size) as hands:
        hands.text()


async def test_resizing_goes_from_one_layout_to_the_other() -> None:
    async with panel() as hands:
        await hands.press("j", "j", "j")
        for width, height in ((40, 10), (120, 40), (80, 24), (200, 50)):
            await hands.resize(width, height)
            assert "orders" in hands.text()
