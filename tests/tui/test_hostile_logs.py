"""Whatever a service writes, it can do no more to the terminal than colour its own line."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from devbox.views.tui.clean import LONGEST, coloured, harmless, plain
from tests.tui import scenes
from tests.tui.hands import panel
from tests.tui.mesh import chunk

HOSTILE = {
    "clear the screen": ("\x1b[2J\x1b[Hboo", "boo"),
    "alternate screen": ("\x1b[?1049hboo", "boo"),
    "cursor": ("a\x1b[10;10Hb\x1b[3Ac\x1b7d\x1b8", "abcd"),
    "title": ("\x1b]0;owned\x07boo", "boo"),
    "title ended by ST": ("\x1b]2;owned\x1b\\boo", "boo"),
    "clipboard": ("\x1b]52;c;b3duZWQ=\x07boo", "boo"),
    "link": ("\x1b]8;;http://evil\x1b\\boo\x1b]8;;\x1b\\", "boo"),
    "unfinished title": ("boo\x1b]0;owned", "boo"),
    "device string": ("\x1bP$qm\x1b\\boo", "boo"),
    "query": ("\x1b[c\x1b[6n\x1b[>0qboo", "boo"),
    "reset": ("\x1bcboo", "boo"),
    "character set": ("\x1b(0boo\x1b(B", "boo"),
    "one-character controls": ("\x9b2J\x90x\x9cboo", "boo"),
    "NUL and bell": ("b\x00o\x07o\x08", "boo"),
    "a lone escape": ("boo\x1b", "boo"),
    "escapes in escapes": ("\x1b\x1b[2J\x1b[\x1b[2Jboo", "boo"),
    "a huge number": (f"\x1b[{'9' * 5000}mboo", "boo"),
    "progress bar": ("10%\r50%\rdone", "done"),
    "line breaks": ("a\nb\u2028c", "a ⏎ b ⏎ c"),
    "tabs": ("a\tb", "a   b"),
    "read backwards": ("\u202eevil\u202c \u2066x\u2069", "evil x"),
    "zero width": ("a\u200bb\ufeffc", "abc"),
    "lone surrogate": ("a\ud800b", "a\ufffdb"),
}


@pytest.mark.parametrize(("line", "left"), HOSTILE.values(), ids=HOSTILE)
def test_only_text_is_left(line: str, left: str) -> None:
    assert plain(line) == left
    coloured(line).plain.encode()


async def test_drawn_harmlessly_as_text_and_within_json() -> None:
    """One panel goes through them all: whatever one of them could do would be left for the next."""
    async with panel() as hands:
        await hands.go_to("orders")
        await hands.press("l")
        for line, left in HOSTILE.values():
            hands.log.begin(merged=False, names={})
            hands.control.log(chunk("orders", line))
            hands.control.log(chunk("orders", json.dumps({"msg": line, "key": line, line: 1})))
            await hands.until(lambda left=left: hands.text().count(left) >= 2)  # type: ignore[misc]
            drawn = hands.text()
            assert not set(drawn) & set(map(chr, [*range(10), *range(11, 32), *range(127, 160)])), repr(line)
            drawn.encode()


def test_colours_stay_but_nothing_blinks_or_hides() -> None:
    text = coloured("\x1b[31mred\x1b[0m \x1b[5;8mhidden")
    assert text.plain == "red hidden"
    spans = {text.plain[span.start : span.end]: span.style for span in text.spans}
    assert "color(1)" in str(spans["red"])
    last = [str(span.style) for span in text.spans][-1]
    assert "not blink" in last
    assert "not conceal" in last


async def test_wide_combining_and_right_to_left() -> None:
    lines = [
        "日本語のログ" * 60,
        "e\u0301" * 300,
        "עברית العربية " * 40,
        "👩‍👩‍👧‍👦🏳️‍🌈" * 60,
        "a\u0300\u0301\u0302" * 300,
    ]
    async with panel() as hands:
        await hands.go_to("orders")
        for number, line in enumerate(lines):
            hands.control.log(chunk("orders", line, f"number {number}"))
            await hands.until(lambda number=number: f"number {number}" in hands.text())  # type: ignore[misc]
            assert all(cell_len(drawn) <= 120 for drawn in hands.text().splitlines()), line


async def test_a_line_of_ten_megabytes() -> None:
    async with panel() as hands:
        hands.control.log(chunk("orders", "x" * 10_000_000, "the next one"))
        await hands.go_to("orders")
        await hands.until(lambda: "the next one" in hands.text())
        kept = hands.log.buffer[hands.log.buffer.end - 2].text
        assert kept.endswith(f"… ({10_000_000 - LONGEST:,} more characters)")
        assert len(kept) < LONGEST + 50


def test_markup_is_not_obeyed() -> None:
    assert coloured("[red]not markup[/red] :smile:").plain == "[red]not markup[/red] :smile:"
    assert harmless("[@click=app.exit]x[/]") == "[@click=app.exit]x[/]"


async def test_names_notes_and_events_are_text_too() -> None:
    control = scenes.broken()
    async with panel(control) as hands:
        control.change(*(each for each in scenes.broken_rows() if each.service == "web"))
        from dataclasses import replace

        web = next(each for each in scenes.broken_rows() if each.service == "web")
        control.change(replace(web, note="\x1b[2J[bold]waits[/bold]\x07"))
        await hands.until(lambda: "[bold]waits[/bold]" in hands.text())
