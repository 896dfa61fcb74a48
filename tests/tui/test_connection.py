"""What the panel says while nobody answers, and that it comes back by itself."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

from devbox.control.protocol import Bye, Changed, Measured, OutagesChanged
from devbox.domain.instance import Outage, Sample
from devbox.domain.spec import UnitKey
from tests.tui import scenes
from tests.tui.hands import panel
from tests.tui.mesh import ScriptedControl, chunk, row, snapshot


async def test_before_the_first_answer_there_are_words() -> None:
    control = ScriptedControl()
    control.up = False
    async with panel(control) as hands:
        assert "Connecting to the supervisor…" in hands.text()


async def test_a_supervisor_that_dies_is_a_banner_and_its_return_takes_it_away() -> None:
    async with panel() as hands:
        hands.control.hang_up()
        await hands.until(lambda: "`devbox up -d` brings it back" in hands.text())
        assert "orders" in hands.text(), "what was known stays"
        hands.control.up = True
        await hands.until(lambda: "`devbox up -d`" not in hands.text())
        hands.control.log(chunk("orders", "back again"))
        await hands.until(lambda: "back again" in hands.text())


async def test_an_engine_that_is_gone_is_a_banner_and_its_return_takes_it_away() -> None:
    control = ScriptedControl(snapshot(replace(row("api"), runtime="docker")))
    async with panel(control) as hands:
        assert "● engine" in hands.text()
        away = Outage("docker", "unix:///var/run/docker.sock", "the engine does not answer", "Is it running?")
        control.tell(OutagesChanged((away,)))
        await hands.until(lambda: "▲ engine gone" in hands.text())
        assert "The engine does not answer (unix:///var/run/docker.sock). Shown as last seen. Is it" in hands.text()
        control.tell(OutagesChanged(()))
        await hands.until(lambda: "● engine" in hands.text() and "does not answer" not in hands.text())


async def test_a_bye_says_why() -> None:
    async with panel() as hands:
        hands.control.tell(Bye("devbox down"))
        await hands.until(lambda: "The supervisor of hello ended: devbox down. Shown as last seen." in hands.text())


async def test_rows_change_come_and_go() -> None:
    async with panel() as hands:
        hands.control.change(row("orders", "unhealthy", note="GET /health answered 503"))
        await hands.until(lambda: "└ GET /health answered 503" in hands.text())
        hands.control.tell(Changed(3, (), (row("mail"),), (UnitKey("traffic"),)))
        await hands.until(lambda: "mail" in hands.text() and "traffic" not in hands.text().split("│")[0][:900])


async def test_a_new_snapshot_leaves_the_log_where_it_is() -> None:
    async with panel() as hands:
        reads = len(hands.control.read_logs)
        hands.control.tell(snapshot(*scenes.broken_rows()))
        await hands.until(lambda: "crashing" in hands.text())
        await hands.at_rest()
        assert len(hands.control.read_logs) == reads


async def test_a_stream_without_a_pause_is_drawn_all_the_same() -> None:
    async with panel() as hands:

        async def go_on() -> None:
            for n in itertools.count():
                hands.control.change(row("orders", "unhealthy", note=f"number {n}"))
                await asyncio.sleep(0.01)

        changing = asyncio.create_task(go_on())
        await hands.until(lambda: "number" in hands.text())
        changing.cancel()


async def test_the_selected_one_may_go() -> None:
    async with panel() as hands:
        await hands.go_to("traffic")
        hands.control.tell(Changed(3, (), (), (UnitKey("traffic"),)))
        await hands.until(lambda: hands.table.selected in ("orders", "web"))


async def test_measurements_are_shown_and_summed() -> None:
    async with panel() as hands:
        hands.control.tell(Measured({"orders": Sample(55.5, 3 << 30)}))
        await hands.until(lambda: "55.5%" in hands.text() and "3.0G" in hands.text())
        assert "cpu 59.0%" in hands.text()


async def test_notes_of_the_manifest_are_told_once() -> None:
    control = ScriptedControl(snapshot(row("api"), notes=("web was left out: there is no node here",)))
    async with panel(control) as hands:
        control.tell(snapshot(row("api"), notes=("web was left out: there is no node here",)))
        await hands.at_rest()
        assert hands.toasts == [("information", "web was left out: there is no node here")]


async def test_a_service_that_says_nothing_has_words() -> None:
    async with panel() as hands:
        await hands.go_to("traffic")
        await hands.until(lambda: "Nothing has been logged yet." in hands.text())


async def test_an_empty_mesh_has_words() -> None:
    async with panel(scenes.empty()) as hands:
        assert "There are no services here yet." in hands.text()
