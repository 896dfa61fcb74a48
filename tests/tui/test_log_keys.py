"""The keys of the log viewer beyond moving about: level, marks, opening, wrapping, copying, saving, following an id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devbox.domain.log import LogChunk
from devbox.views.tui.choice import ChoiceDialog
from devbox.views.tui.found import FoundScreen
from devbox.views.tui.ids import ids_in
from tests.tui import scenes
from tests.tui.hands import Hands, panel
from tests.tui.mesh import NOW, chunk

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def _log_of_orders(hands: Hands, *lines: str) -> None:
    hands.control.log(chunk("orders", *lines))
    await hands.go_to("orders")
    await hands.press("l")
    await hands.until(lambda: hands.log.buffer.end >= len(lines))
    await hands.at_rest()


async def test_level_shows_what_is_grave_with_the_trace_that_belongs_to_it() -> None:
    async with panel() as hands:
        await _log_of_orders(
            hands, "INFO all well", "ERROR it broke", "  File a.py, line 3", "WARN so so", "and on it goes"
        )
        await hands.press("L", "L")
        await hands.until(lambda: "warn and up" in hands.text())
        drawn = hands.text()
        assert "it broke" in drawn
        assert "line 3" in drawn
        assert "so so" in drawn
        assert "all well" not in drawn
        assert "and on it goes" not in drawn
        hands.control.log(chunk("orders", "INFO more of it", "FATAL the end"))
        await hands.until(lambda: "the end" in hands.text())
        assert "more of it" not in hands.text()
        await hands.press("L")
        await hands.until(lambda: "so so" not in hands.text())
        await hands.press("L")
        await hands.until(lambda: "all well" in hands.text())


async def test_m_draws_a_line_below_what_came_so_far() -> None:
    async with panel() as hands:
        await _log_of_orders(hands, "before")
        await hands.press("m")
        hands.control.log(chunk("orders", "after"))
        await hands.until(lambda: "after" in hands.text())
        lines = hands.text().splitlines()
        place = next(y for y, line in enumerate(lines) if line.startswith("── "))
        assert "before" in lines[place - 1]
        assert "after" in lines[place + 1]


async def test_enter_spreads_json_out_and_folds_it_again() -> None:
    async with panel() as hands:
        await _log_of_orders(hands, json.dumps({"msg": "hi", "deep": {"er": [1, "two"]}}))
        assert '"er": [' not in hands.text()
        await hands.press("enter")
        await hands.until(lambda: '"er": [' in hands.text() and '"two"' in hands.text())
        await hands.press("enter")
        await hands.until(lambda: '"er": [' not in hands.text())


async def test_enter_shows_a_long_line_whole() -> None:
    async with panel() as hands:
        await _log_of_orders(hands, "x" * 400 + " the end")
        assert "the end" not in hands.text()
        await hands.press("enter")
        await hands.until(lambda: "the end" in hands.text())


async def test_w_wraps_every_line_and_the_end_stays_in_sight() -> None:
    async with panel(size=(80, 24)) as hands:
        await _log_of_orders(hands, *(f"{n} {'x' * 200} end of {n}." for n in range(50)))
        assert "end of 49." not in hands.text()
        await hands.press("w")
        await hands.until(lambda: "end of 49." in hands.text())
        await hands.press(*["k"] * 20)
        await hands.until(lambda: "end of 30." in hands.text())
        await hands.press("g")
        await hands.until(lambda: "listening" in hands.text())
        await hands.press("G", "w")
        await hands.until(lambda: "end of 49." not in hands.text() and "49 xxx" in hands.text())


async def test_y_copies_the_line_without_its_colours() -> None:
    async with panel() as hands:
        await _log_of_orders(hands, "first", "\x1b[31msecond\x1b[0m")
        await hands.press("Y")
        assert hands.app.clipboard == "second"
        await hands.press("k", "Y")
        assert hands.app.clipboard == "first"


async def test_ctrl_s_saves_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with panel() as hands:
        await _log_of_orders(hands, "ERROR one", "INFO two")
        await hands.press("L", "L", "L", "ctrl+s")
        saved = tmp_path / "orders-20250615-150640.log"
        await hands.until(saved.exists)
        assert [line.split(" ", 1)[1].strip() for line in saved.read_text().splitlines()] == ["ERROR one"]
        await hands.press("ctrl+s")
        await hands.until((tmp_path / "orders-20250615-150640-1.log").exists)


async def test_beyond_the_first_line_the_history_is_read_and_nothing_is_doubled() -> None:
    control = scenes.healthy()
    for n in range(60):
        lines = tuple(f"line {n * 100 + m}." for m in range(100))
        control.log(LogChunk("web", 1, "stdout", n * 100, NOW + n, lines))
    control.tails = 1500
    async with panel(control) as hands:
        await hands.go_to("web")
        await hands.press("l")
        await hands.until(lambda: "line 5999." in hands.text())
        view = hands.log
        assert len(view.buffer) == 1500
        await hands.press("g")
        await hands.until(lambda: "line 4500." in hands.text())
        await hands.press("k")
        await hands.until(lambda: len(view.buffer) > 1500)
        kept = [line.text for _, line in view.buffer.numbered(view.buffer.first)]
        texts = [text for text in kept if text.startswith("line ")]
        assert texts == [f"line {n}." for n in range(6000 - len(texts), 6000)]
        assert "line 4500." in hands.text(), "what is in sight stays in sight"


async def test_c_follows_an_id_across_the_mesh() -> None:
    async with panel() as hands:
        for service in ("web", "worker"):
            hands.control.log(chunk(service, f"{service} trace={TRACE} did its part", "something else"))
        await _log_of_orders(hands, f"took order trace_id={TRACE}")
        await hands.press("c")
        await hands.until(lambda: isinstance(hands.screen, FoundScreen))
        await hands.until(lambda: "3 lines of orders, web, worker" in hands.text())
        assert "something else" not in hands.text()
        await hands.press("escape")
        assert hands.screen is hands.panel


async def test_c_lets_one_pick_where_there_are_several_ids() -> None:
    async with panel() as hands:
        await _log_of_orders(hands, f"trace_id={TRACE} order_id=ord-1042")
        await hands.press("c")
        assert isinstance(hands.screen, ChoiceDialog)
        await hands.press("2")
        await hands.until(lambda: "1 line of orders with ord-1042" in hands.text())


async def test_c_says_where_there_is_none() -> None:
    async with panel() as hands:
        await _log_of_orders(hands, "nothing to follow here")
        await hands.press("c")
        await hands.until(lambda: ("information", "This line has no id in it.") in hands.toasts)


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("nothing", []),
        (f"00-{TRACE}-b7ad6b7169203331-01", [TRACE, "b7ad6b7169203331"]),
        (f'{{"msg":"x","trace_id":"{TRACE}","ts":1750000000}}', [TRACE]),
        ('{"ctx":{"request_id":"r-77"},"n":3}', ["r-77", "3"][:1]),
        ("GET /a 200 id=9f1c2d3e-aaaa-bbbb-cccc-0123456789ab", ["9f1c2d3e-aaaa-bbbb-cccc-0123456789ab"]),
        ("order=1041 customer=ada", ["1041"]),
        ("status=200 ms=31", []),
    ],
)
def test_ids_are_found_likeliest_first(line: str, ids: list[str]) -> None:
    assert [each.value for each in ids_in(line)] == ids
