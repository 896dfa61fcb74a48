"""What the panel works out before it draws: folding, listing, searching, keeping."""

from __future__ import annotations

import subprocess
import sys

import pytest

from devbox.control.protocol import Changed, Measured
from devbox.domain.instance import Sample
from devbox.domain.spec import UnitKey
from devbox.views.tui.buffer import Buffer, Line, Source
from devbox.views.tui.fold import Folded, fold
from devbox.views.tui.listing import Kind, Look, cpu_text, listing, memory_text, sparkline
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.search import Search
from tests.tui import scenes
from tests.tui.mesh import NOW, chunk, row, snapshot

SOURCE = Source("api", "api", False)


def test_importing_the_views_loads_no_textual() -> None:
    code = (
        "import sys, devbox.views, devbox.views.tui; print('textual' in sys.modules, devbox.views.tui.Quit.STOP.value)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1)[0] == "False"


@pytest.mark.parametrize(
    ("line", "folded"),
    [
        ('{"msg":"hi"}', Folded("", "", "hi", ())),
        ('{"time":"2025-01-02T03:04:05.678Z","level":"warning","message":"hi"}', Folded("03:04:05", "WARN", "hi", ())),
        ('{"ts":1750000000,"level":"INFO","event":"hi","n":1}', Folded("15:06:40", "INFO", "hi", (("n", "1"),))),
        ('{"time":1750000000123,"level":50,"msg":"pino"}', Folded("15:06:40", "ERROR", "pino", ())),
        ('{"msg":{"a":[1,2]},"x":null}', Folded("", "", '{"a":[1,2]}', (("x", "null"),))),
        ('{"level":"chatty","msg":""}', Folded("", "CHATT", "", ())),
        ('{"level":true,"ts":1e400,"msg":"odd"}', Folded("", "", "odd", ())),
    ],
)
def test_json_is_folded(line: str, folded: Folded) -> None:
    assert fold(line) == folded


@pytest.mark.parametrize(
    "line", ["", "plain", "{", "{}", '{"a":1}', '["msg"]', '{"msg":1', "{" * 100_000 + "}", '{"msg"}']
)
def test_other_lines_are_left_alone(line: str) -> None:
    assert fold(line) is None


def test_a_buffer_drops_its_oldest_lines_and_keeps_their_numbers() -> None:
    buffer = Buffer(most=100)
    for n in range(25):
        buffer.add(chunk("api", *(f"{n}.{m}" for m in range(10))), SOURCE)
    assert len(buffer) <= 100
    assert buffer.end == 250
    assert buffer[buffer.end - 1].text == "24.9"
    assert buffer[buffer.first].text == f"{buffer.first // 10}.{buffer.first % 10}"


def test_a_buffer_bounds_what_long_lines_take() -> None:
    buffer = Buffer()
    for _ in range(100):
        buffer.add(chunk("api", *["x" * 10_000_000] * 100), SOURCE)
    assert sum(len(line.text) for _, line in buffer.numbered(0)) <= 64_000_000


def lines(*texts: str) -> list[tuple[int, Line]]:
    return [(number, Line(SOURCE, NOW, text)) for number, text in enumerate(texts)]


def test_a_search_takes_regular_expressions_and_what_is_none() -> None:
    for text, found in (("o.e$", [0, 3]), ("[broken", [2]), ("ONE", [3]), ("one", [0, 3]), ("none", [])):
        search = Search(text)
        search.look_at(lines("one", "two", "a [broken] thing", "phONE"))
        assert search.matches == found


def test_a_search_goes_around_the_ends() -> None:
    search = Search("a")
    search.look_at(lines("a", "b", "a", "a"))
    assert [search.step(origin, 1) for origin in (0, 2, 3)] == [2, 3, 0]
    assert [search.step(origin, -1) for origin in (3, 0)] == [2, 3]
    assert search.describe() == "3 of 3"
    search.forget_before(1)
    assert search.matches == [2, 3]


def test_a_mesh_follows_frames() -> None:
    mesh = Mesh("hello")
    mesh.apply(snapshot(row("api"), row("web")))
    mesh.apply(
        Changed(2, (), (row("api", replica=1, replicas=2), row("api", replica=2, replicas=2)), (UnitKey("web"),))
    )
    assert [each.name for each in mesh.rows] == ["api-1", "api-2"]
    mesh.apply(Measured({"api-1": Sample(1.0, 10), "api-2": Sample(2.0, 20), "gone": Sample(9.0, 90)}))
    assert mesh.total() == Sample(3.0, 30)


def test_the_list_is_grouped_and_notes_stand_below_their_rows() -> None:
    mesh = Mesh("hello")
    mesh.apply(snapshot(*scenes.broken_rows()))
    entries = listing(mesh, NOW, Look(80))
    heads = [entry.cells[0].text for entry in entries if entry.kind is Kind.HEAD]
    assert heads == ["databases", "services", "jobs"]
    place = next(y for y, entry in enumerate(entries) if entry.kind is Kind.NOTE)
    assert entries[place - 1].name == entries[place].name == "orders"


@pytest.mark.parametrize("width", range(10, 130, 7))
def test_rows_never_grow_wider_than_the_list(width: int) -> None:
    mesh = Mesh("hello")
    mesh.apply(snapshot(*scenes.healthy_rows()))
    for entry in listing(mesh, NOW, Look(width)):
        text = "".join(cell.text for cell in entry.cells)
        assert len(text.rstrip()) <= max(width - 1, 20)


def test_figures_are_short() -> None:
    assert [cpu_text(value) for value in (0.04, 9.96, 99.4, 99.6, 1234)] == ["0.0%", "10.0%", "99.4%", "100%", "1234%"]
    sizes = (640 << 10, 45 << 20, 1000 << 20, 1 << 30, 12 << 30)
    assert [memory_text(size) for size in sizes] == ["640K", "45M", "1000M", "1.0G", "12G"]
    assert sparkline([0, 5, 10]) == "▁▅█"
    assert sparkline([0, 100]) == "▁█"
