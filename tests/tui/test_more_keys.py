"""Keys that lead out of the list: order, map, tabs, restart menu, shell, tasks; keys and themes of one's own."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from devbox.control.protocol import Action, ConfigValue, PendingChanged, Recreate
from devbox.domain.errors import UsageError
from devbox.views.tui import Quit
from devbox.views.tui.bindings import binding_ids
from devbox.views.tui.choice import ChoiceDialog
from devbox.views.tui.commands import offers
from devbox.views.tui.graphmap import plan_map
from devbox.views.tui.mapscreen import MapScreen
from devbox.views.tui.preferences import Preferences, load_preferences, preferences_file
from tests.tui import scenes
from tests.tui.hands import Hands, panel
from tests.tui.mesh import NOW, ScriptedControl, row, snapshot


def _names(hands: Hands) -> list[str | None]:
    return [entry.name for entry in hands.table.entries if entry.selectable and entry.name]


async def test_o_sorts_by_one_thing_after_the_other() -> None:
    async with panel(scenes.broken()) as hands:
        assert _names(hands)[0] == "cache"
        await hands.press("o", "o")
        assert _names(hands)[:2] == ["orders", "worker"]
        await hands.press("o")
        assert _names(hands)[0] == "orders"
        await hands.press("o", "o")
        assert _names(hands)[0] == "worker"
        await hands.press("o", "o")
        assert _names(hands)[0] == "cache"


async def test_a_click_on_a_title_sorts_by_it_and_another_undoes_it() -> None:
    async with panel() as hands:
        x = hands.text().splitlines()[1].index("cpu")
        await hands.pilot.click("#table", offset=(x, 0))
        await hands.until(lambda: _names(hands)[0] == "orders")
        await hands.pilot.click("#table", offset=(x, 0))
        await hands.until(lambda: _names(hands)[0] == "cache")


async def test_m_draws_the_map_and_enter_selects_what_is_chosen_on_it() -> None:
    async with panel(scenes.broken()) as hands:
        await hands.go_to("orders")
        await hands.press("m")
        assert isinstance(hands.screen, MapScreen)
        await hands.until(lambda: "orders ✗ crashing · needs migrate, cache · needed by web" in hands.text())
        assert "│✗ orders" in hands.text()
        await hands.press("h")
        await hands.until(lambda: "web ◌ waiting · needs orders" in hands.text())
        await hands.press("l", "right", "left", "j", "k", "up", "down")
        await hands.press("h", "h", "h", "h")
        await hands.until(lambda: "traffic ◌ waiting" in hands.text())
        await hands.press("enter")
        await hands.until(lambda: hands.screen is hands.panel and hands.table.selected == "traffic")


async def test_the_map_tells_why_and_goes_away() -> None:
    async with panel(scenes.broken()) as hands:
        await hands.go_to("orders")
        await hands.press("m", "y")
        await hands.until(lambda: hands.control.asked_why == ["orders"])
        await hands.press("escape", "escape")
        await hands.until(lambda: hands.screen is hands.panel)
        await hands.press("m", "m")
        await hands.until(lambda: hands.screen is hands.panel)


async def test_the_mouse_chooses_on_the_map() -> None:
    async with panel() as hands:
        await hands.press("m")
        lines = hands.text().splitlines()
        y = next(y for y, line in enumerate(lines) if "● web" in line)
        await hands.pilot.click(offset=(lines[y].index("web"), y))
        await hands.until(lambda: "web ● healthy · needs orders" in hands.text())


@pytest.mark.parametrize("tall", [True, False])
def test_on_the_map_what_is_needed_stands_to_the_right_and_boxes_do_not_overlap(tall: bool) -> None:
    needs = {f"s{n:02}": [f"s{m:02}" for m in range(n) if (n * 7 + m * 3) % 11 == 0] for n in range(50)}
    drawing = plan_map(needs, tall=tall)
    assert drawing.boxes.keys() == needs.keys()
    for name, wanted in needs.items():
        assert all(drawing.boxes[name].x < drawing.boxes[need].x for need in wanted)
    taken = [
        (x, y)
        for box in drawing.boxes.values()
        for x in range(box.x, box.x + box.width)
        for y in range(box.y, box.y + box.height)
    ]
    assert len(taken) == len(set(taken))
    assert not set(taken) & set(drawing.cells())
    assert all(0 <= x < drawing.width and 0 <= y < drawing.height for x, y in [*taken, *drawing.cells()])


def test_a_circle_of_needs_is_drawn_all_the_same() -> None:
    assert plan_map({"a": ["b"], "b": ["a"], "c": ["c"]}).boxes.keys() == {"a", "b", "c"}


async def test_the_health_tab_lists_probes_with_latency_and_output() -> None:
    async with panel(scenes.broken()) as hands:
        await hands.go_to("worker")
        await hands.press("2")
        await hands.until(lambda: "46 of the last 50 were well" in hands.text())
        assert "250 ms  ▲ GET /health: 503 ⏎ queue is" in hands.text()
        await hands.press("k")
        await hands.until(lambda: "web does not run, so nothing is probed." in hands.text())


async def test_the_metrics_tab_draws_charts() -> None:
    async with panel() as hands:
        await hands.go_to("orders")
        await hands.press("3")
        await hands.until(lambda: "66% of 128.0 MB" in hands.text())
        for title in ("CPU", "received", "disk write", "open files", "15m ago", "now"):
            assert title in hands.text()
        await hands.press("k")
        await hands.until(lambda: "Nothing has been measured yet" in hands.text())


@pytest.mark.parametrize(("key", "words"), [("2", "Select a service"), ("3", "Select a service"), ("5", "Select a")])
async def test_tabs_have_words_while_nothing_is_selected(key: str, words: str) -> None:
    async with panel() as hands:
        await hands.press(key)
        await hands.until(lambda: words in hands.text())


async def test_i_shows_all_there_is_to_a_service() -> None:
    async with panel() as hands:
        await hands.go_to("web")
        await hands.press("i")
        await hands.until(lambda: "needs        orders" in hands.text() and "http://127.0.0.1:8080/" in hands.text())
        assert hands.app.focused is hands.panel.detail.config


async def test_words_in_an_empty_tab_are_never_cut() -> None:
    async with panel(size=(60, 24)) as hands:
        await hands.go_to("traffic")
        await hands.press("2")
        await hands.until(lambda: "it counts as well while it runs." in hands.text())
        assert "`health:` in the manifest gives it one." in hands.text()


async def test_config_says_where_each_value_comes_from_and_what_it_overrode() -> None:
    async with panel() as hands:
        await hands.go_to("orders")
        await hands.press("i")
        await hands.until(lambda: "debug  compose.override.yaml:6:7" in hands.text())
        assert "over compose.yaml:34:7: info" in hands.text()
        assert "over orders.env:2: warning" in hands.text()
        assert "environment.STRIPE_KEY    *****  .env:3" in hands.text()
        await hands.press("tab", "k", "k")
        await hands.until(lambda: "Nothing is known of it here." in hands.text())


async def test_config_follows_the_manifest_and_says_what_is_wrong_with_it() -> None:
    async with panel() as hands:
        await hands.go_to("orders")
        await hands.press("i")
        await hands.until(lambda: "${db.url}" in hands.text())
        hands.control.configured["orders"] = (ConfigValue("image", "orders:2", "compose.yaml:3:5"),)
        hands.control.tell(PendingChanged(scenes.SAVED))
        await hands.until(lambda: "orders:2  compose.yaml:3:5" in hands.text())
        hands.control.refusal = UsageError("compose.yaml:3:5: that is no image")
        hands.control.tell(PendingChanged(None))
        await hands.until(lambda: "The supervisor does not tell: compose.yaml:3:5: that is no" in hands.text())
        assert "orders:2" in hands.text(), "what was said last stays"


def _with_tasks() -> ScriptedControl:
    return ScriptedControl(snapshot(replace(row("api"), tasks=("lint", "test"))))


async def test_a_task_is_run_with_the_command_line_and_its_words_are_shown(tmp_path: Path) -> None:
    argv = _script(tmp_path, f'echo "$@" > {tmp_path}/asked\necho 12 passed')
    async with panel(_with_tasks(), argv=argv) as hands:
        await hands.go_to("api")
        await hands.press("t", "j")
        await hands.press("enter")
        await hands.until(lambda: "12 passed" in hands.text() and "done" in hands.text())
        await hands.until(lambda: "runs …" not in hands.text())
    assert (tmp_path / "asked").read_text() == "-f devbox.yaml -p hello task api test\n"


async def test_a_task_that_runs_can_be_ended(tmp_path: Path) -> None:
    argv = _script(tmp_path, "echo listening; exec sleep 60")
    async with panel(_with_tasks(), argv=argv) as hands:
        await hands.go_to("api")
        await hands.press("t", "enter")
        await hands.until(lambda: "lint  runs …" in hands.text() and "listening" in hands.text())
        await hands.until(lambda: hands.keys().get("x") == "end it")
        await hands.press("x")
        await hands.until(lambda: "runs …" not in hands.text())


async def test_the_restart_menu_recreates() -> None:
    async with panel() as hands:
        await hands.go_to("web")
        await hands.press("R")
        assert isinstance(hands.screen, ChoiceDialog)
        assert "rebuild" not in hands.text(), "a host process has no image"
        await hands.press("c")
        await hands.until(lambda: len(hands.control.commands) == 1)
        command = hands.control.commands[0]
        assert (command.action, command.services, command.recreate) == (Action.UP, ("web",), Recreate.ALWAYS)


async def test_the_restart_menu_deletes_data_only_when_asked_twice() -> None:
    async with panel(ScriptedControl(snapshot(replace(row("db"), keeps_data=True), row("web")))) as hands:
        await hands.go_to("db")
        await hands.press("R", "f")
        assert "Really delete the data of db?" in hands.text()
        await hands.press("n", "f", "y")
        await hands.until(lambda: hands.done == [(Action.FRESH, ("db",), "fresh in the panel")])
        await hands.go_to("web")
        await hands.press("R")
        assert "fresh" not in hands.text(), "there is nothing to delete"


async def test_the_restart_menu_can_be_left_and_restarts() -> None:
    async with panel() as hands:
        await hands.go_to("web")
        await hands.press("R", "escape")
        assert hands.screen is hands.panel
        await hands.press("R", "j", "k", "enter")
        await hands.until(lambda: [action for action, *_ in hands.done] == [Action.RESTART])


@pytest.mark.parametrize(("form", "action"), [("process", Action.RUN_LOCAL), ("container", Action.RUN_CONTAINER)])
async def test_what_can_run_in_two_ways_is_switched_in_the_restart_menu(form: str, action: Action) -> None:
    async with panel(ScriptedControl(snapshot(replace(row("api"), other_form=form)))) as hands:
        await hands.go_to("api")
        await hands.press("R")
        assert action in hands.text()
        await hands.press("l")
        await hands.until(lambda: hands.done == [(action, ("api",), f"{action} in the panel")])


async def test_what_can_run_in_one_way_only_is_not_offered_another() -> None:
    async with panel() as hands:
        await hands.go_to("web")
        await hands.press("R")
        assert "run-" not in hands.text()


def _script(folder: Path, text: str) -> tuple[str, ...]:
    path = folder / "devbox"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return (str(path),)


async def test_rebuild_shows_the_build_then_recreates(tmp_path: Path) -> None:
    argv = _script(tmp_path, f'echo "$@" >> {tmp_path}/asked; echo "[1/2] FROM python"; read line < {tmp_path}/go')
    os.mkfifo(tmp_path / "go")
    control = ScriptedControl(snapshot(replace(row("api"), runtime="docker")))
    async with panel(control, argv=argv) as hands:
        await hands.go_to("api")
        await hands.press("R", "b")
        await hands.until(lambda: "devbox build api …" in hands.text())
        await asyncio.to_thread((tmp_path / "go").write_text, "on\n")
        await hands.until(lambda: len(hands.control.commands) == 1)
        assert hands.screen is hands.panel
    assert (tmp_path / "asked").read_text() == "-f devbox.yaml -p hello build api\n"


async def test_a_build_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    argv = _script(tmp_path, "echo 'no such base image'; exit 1")
    async with panel(ScriptedControl(snapshot(replace(row("api"), runtime="docker"))), argv=argv) as hands:
        await hands.go_to("api")
        await hands.press("R", "b")
        await hands.until(lambda: any("no such base image\nended with 1" in words for _, words in hands.toasts))
        assert hands.done == []


async def test_a_shell_needs_a_terminal_and_says_so() -> None:
    async with panel() as hands:
        await hands.go_to("web")
        assert hands.keys()["E"] == "shell"
        await hands.press("E")
        await hands.until(lambda: any("Use: devbox exec web" in words for _, words in hands.toasts))


async def test_keys_and_theme_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "devbox" / "panel.yaml"
    file.parent.mkdir()
    file.write_text("theme: colour-blind-safe\nkeys:\n  restart: ctrl+r\n  map: M\n")
    assert preferences_file({"XDG_CONFIG_HOME": str(tmp_path)}) == file
    async with panel(preferences=load_preferences(file)) as hands:
        assert hands.app.theme == "colour-blind-safe"
        await hands.go_to("orders")
        assert "r" not in {*hands.keys()}
        await hands.press("r")
        assert hands.done == []
        await hands.press("ctrl+r")
        await hands.until(lambda: [action for action, *_ in hands.done] == [Action.RESTART])
        await hands.press("M")
        await hands.until(lambda: isinstance(hands.screen, MapScreen))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("theme: calm", "There is no theme calm."),
        ("keys: {restrat: x}", "There is no key named restrat. Did you mean restart?"),
        ("colours: red", "colours means nothing here."),
        ("keys: [a]", "keys must hold names with keys"),
        ("just words", "must hold `theme:` and `keys:`"),
        ("{", "is no YAML"),
    ],
)
async def test_what_makes_no_sense_is_told_and_the_panel_opens(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "panel.yaml"
    file.write_text(text)
    async with panel(preferences=load_preferences(file)) as hands:
        await hands.until(lambda: any(words in told for _, told in hands.toasts))
        assert "orders" in hands.text()


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert load_preferences(tmp_path / "none.yaml") == Preferences()


def test_every_key_that_can_be_bound_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "panel.md").read_text()
    assert [name for name in binding_ids() if f"`{name}`" not in text] == []


async def test_of_a_record_nothing_can_be_done_and_it_closes_without_a_question() -> None:
    async with panel(scenes.broken(), as_of=NOW) as hands:
        assert "as of 2025-06-15 15:06:40" in hands.text()
        await hands.go_to("orders")
        assert not {"r", "s", "R", "E"} & {*hands.keys()}
        await hands.press("r", "s", "R", "E")
        assert hands.done == []
        assert hands.screen is hands.panel
        await hands.press("y")
        await hands.until(lambda: "crash-looping" in hands.text())
        await hands.press("escape", "q")
        await hands.until(lambda: hands.app.return_value is Quit.LEAVE_RUNNING)


async def test_what_goes_wrong_is_a_toast_once() -> None:
    async with panel() as hands:
        chain = tuple(reversed(scenes.why_orders().chain))
        hands.control.change(events=chain)
        hands.control.change(events=chain)
        said = ("warning", "db unhealthy: connection refused\norders exited with 3")
        await hands.until(lambda: said in hands.toasts)
        assert hands.toasts.count(said) == 1


def test_a_terminal_of_sixteen_colours_keeps_its_own() -> None:
    from devbox.views.tui.theme import default_theme

    assert default_theme("standard") == "ansi-dark"
    assert default_theme("truecolor") == "devbox"


async def test_T_shows_what_the_last_start_waited_for() -> None:
    async with panel(scenes.timed()) as hands:
        await hands.press("T")
        await hands.until(lambda: "4.00 s from 15:05:40.000, decided by db → orders" in hands.text())
        assert "3.00 s for db" in hands.text()
        assert "not ready yet" in hands.text()
        await hands.press("escape")
        assert hands.screen is hands.panel


async def test_the_palette_offers_everything() -> None:
    control = ScriptedControl(
        snapshot(replace(row("api", port=80), tasks=("test",), other_form="container", keeps_data=True))
    )
    async with panel(control) as hands:
        words = [words.partition(":")[0] for words, _ in offers(hands.app)]
        assert len(words) == len(set(words))
        wanted = {
            "map", "timings", "report", "doctor", "sort by cpu", "sort by memory", "restart everything …",
            "stop everything …", "log of api", "health of api", "metrics of api", "events of api", "config of api",
            "tasks of api", "why api", "restart api", "stop api", "recreate api", "run-container api", "task api test",
            "shell beside api", "fresh api …",
        }  # fmt: skip
        assert wanted - set(words) == set()


async def test_the_palette_stops_everything_only_when_asked_twice() -> None:
    async with panel() as hands:
        act = dict(offers(hands.app))["stop everything …"]
        act()
        await hands.until(lambda: "Really stop everything, all 7 services?" in hands.text())
        await hands.press("n")
        assert hands.done == []
        act()
        await hands.press("y")
        await hands.until(lambda: [(action, names) for action, names, _ in hands.done] == [(Action.STOP, ())])


async def test_the_palette_shows_what_a_command_says(tmp_path: Path) -> None:
    async with panel(argv=_script(tmp_path, 'echo "all is well: $@"')) as hands:
        hands.app.deeds.show_output("doctor")
        await hands.until(lambda: "all is well: -p hello doctor" in hands.text().replace("-f devbox.yaml ", ""))
        await hands.until(lambda: "devbox doctor: done" in hands.text())
        await hands.press("Y")
        await hands.until(lambda: hands.app.clipboard.endswith("doctor"))
        await hands.press("escape")
        assert hands.screen is hands.panel


async def test_what_is_pulled_or_built_says_how_far_it_is() -> None:
    async with panel(scenes.pulling(), size=(200, 50)) as hands:
        await hands.until(lambda: "31.0 MB of 146.0 MB · pulling postgres:17: 4f4fb700ef54" in hands.text())
        assert "building orders: [3/7] RUN pip install" in hands.text()
        hands.control.change(row("db", "starting"), row("orders", "preparing", note="once more"))
        await hands.until(lambda: "pulling" not in hands.text() and "[3/7]" in hands.text())
        assert not hands.app.mesh.events, "it is no event to be kept"


async def test_s_searches_the_whole_history_of_every_service() -> None:
    async with panel() as hands:
        await hands.press("S", *"ORDER|took", "enter")
        await hands.until(lambda: "1 line of worker with ORDER|took" in hands.text())
        assert hands.screen is not hands.panel
        await hands.press("escape")
        assert hands.screen is hands.panel
        await hands.press("l", "S", *"order|took", "enter")
        await hands.until(lambda: "2 lines of orders, worker with order|took" in hands.text())
        await hands.press("escape")
        assert hands.app.focused is hands.log
        await hands.press("S", *"zap", "enter")
        await hands.until(lambda: "No line has zap." in hands.text())
        await hands.press("escape", "S", "enter")
        assert hands.screen is hands.panel, "nothing was asked for"
        assert len(hands.control.searched) == 3
