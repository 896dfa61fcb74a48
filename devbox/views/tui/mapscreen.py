"""The map of the mesh on the screen: boxes coloured by health, the lines of the chosen one lit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from devbox.control.protocol import Row
from devbox.views.tui.bars import Banner, TopBar
from devbox.views.tui.clean import plain
from devbox.views.tui.graphmap import Box, Plan, drawn, plan_map
from devbox.views.tui.keybar import KeyBar
from devbox.views.tui.listing import styled
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.style import part
from devbox.views.words import icon

if TYPE_CHECKING:
    from devbox.views.tui.app import DevboxApp


class MapView(ScrollView, can_focus=True, inherit_bindings=False):
    """Draws a plan of the mesh. `chosen` is the service whose lines are lit."""

    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "map--good", "map--bad", "map--busy", "map--off", "map--line", "map--lit", "map--chosen",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.choose", "go to it", key_display="⏎", id="log", tooltip="Select it in the list"),
        Binding("l,right", "move(1, 0)", "right", show=False, id="map-right", tooltip="To the right: what it needs"),
        Binding("h,left", "move(-1, 0)", "left", show=False, id="map-left", tooltip="To the left: what needs it"),
        Binding("j,down", "move(0, 1)", "down", show=False, id="down", tooltip="Down"),
        Binding("k,up", "move(0, -1)", "up", show=False, id="up", tooltip="Up"),
    ]  # fmt: skip

    def __init__(self, mesh: Mesh, chosen: str) -> None:
        super().__init__(id="map")
        self._mesh = mesh
        self.chosen = chosen
        self.plan: Plan = plan_map({})
        self._asked: object = None
        self._rows: dict[str, Row] = {}
        self._grid: list[list[tuple[str, str]]] = []

    def update(self) -> None:
        """Draw again, after what is known of the mesh."""
        self._rows = _worst(self._mesh.rows)
        needs = {name: row.needs for name, row in self._rows.items()}
        asked = (needs, self.size)
        if asked != self._asked:
            self._asked = asked
            self.plan = plan_map(needs, self.size.width)
            if self.plan.height > self.size.height or self.plan.width > self.size.width:
                self.plan = plan_map(needs, self.size.width - 1, tall=False)
            self.virtual_size = Size(self.plan.width, self.plan.height)
        if self.chosen not in self.plan.boxes:
            self.chosen = min(self.plan.boxes, default="")
        self._grid = self._drawn()
        self.refresh()

    def on_resize(self) -> None:
        self.update()
        self._keep_in_sight()

    def choose(self, name: str) -> None:
        """Light another one."""
        self.chosen = name
        self.update()
        self._keep_in_sight()
        cast("MapScreen", self.screen).tell()

    def action_move(self, across: int, along: int) -> None:
        """To the nearest box in a direction."""
        here = self.plan.boxes.get(self.chosen)
        if here is None:
            return
        ahead = {
            name: box
            for name, box in self.plan.boxes.items()
            if (box.x - here.x) * across > 0 or ((box.middle - here.middle) * along > 0)
        }
        if ahead:
            weight = (1, 4) if across else (4, 1)
            self.choose(
                min(ahead, key=lambda name: (weight[0] * abs(ahead[name].x - here.x)
                                             + weight[1] * abs(ahead[name].middle - here.middle), name))
            )  # fmt: skip

    def on_click(self, event: events.Click) -> None:
        x, y = event.x + self.scroll_offset.x, event.y + self.scroll_offset.y
        for name, box in self.plan.boxes.items():
            if box.x <= x < box.x + box.width and box.y <= y < box.y + box.height:
                self.choose(name)
                if event.chain > 1:
                    self.run_worker(self.run_action("screen.choose"))

    def needed_by(self, name: str) -> list[str]:
        """The services that need this one."""
        return sorted(other for other, row in self._rows.items() if name in row.needs)

    def row(self, name: str) -> Row | None:
        """What is shown for a service: of several replicas, the one that is worst off."""
        return self._rows.get(name)

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        if y + top >= len(self._grid):
            return Strip.blank(self.size.width, self.rich_style)
        segments = [Segment(text, self._style(style)) for text, style in _runs(self._grid[y + top])]
        strip = Strip(segments).crop_extend(left, left + self.size.width, None)
        return strip.apply_style(self.rich_style)

    def _style(self, name: str) -> Style:
        if not name:
            return Style()
        kind, _, chosen = name.partition("+")
        style = part(self, f"map--{kind}")
        return style + part(self, "map--chosen") if chosen else style

    def _drawn(self) -> list[list[tuple[str, str]]]:
        grid = [[(" ", "")] * self.plan.width for _ in range(self.plan.height)]
        lit = {need for need in self.plan.lines if self.chosen in need}
        lit_cells = self.plan.cells(lit)
        for (x, y), directions in self.plan.cells().items():
            grid[y][x] = (drawn(directions), "lit" if (x, y) in lit_cells else "line")
        for name, box in self.plan.boxes.items():
            self._draw_box(grid, name, box)
        return grid

    def _draw_box(self, grid: list[list[tuple[str, str]]], name: str, box: Box) -> None:
        row = self._rows[name]
        style = styled(row.state) + ("+chosen" if name == self.chosen else "")
        inner = box.width - 2
        label = f"{icon(row.state)} {name}".ljust(inner)[:inner]
        rows = [f"[{label}]"] if box.height == 1 else [f"╭{'─' * inner}╮", f"│{label}│", f"╰{'─' * inner}╯"]
        for y, text in enumerate(rows, box.y):
            for x, letter in enumerate(text, box.x):
                grid[y][x] = (letter, style)

    def _keep_in_sight(self) -> None:
        if box := self.plan.boxes.get(self.chosen):
            self.scroll_to_region(Region(box.x, box.y, box.width, box.height), animate=False, force=True)


class MapScreen(Screen[str | None]):
    """The map, with a line on the chosen service. Dismissed with the service to select, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "why", "why", id="why", tooltip="Why the chosen service is as it is"),
        Binding("escape,m", "close", "back", key_display="esc", id="back", tooltip="Back to the list"),
    ]

    def __init__(self, mesh: Mesh, chosen: str) -> None:
        super().__init__()
        self._top, self._banner = TopBar(mesh, id="top"), Banner(mesh, id="banner")
        self._view, self._about = MapView(mesh, chosen), Static(id="about", markup=False)

    def compose(self) -> ComposeResult:
        yield self._top
        yield self._banner
        yield self._view
        yield self._about
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        self._view.focus()
        self.draw()
        self.set_interval(1, self.draw)

    def draw(self) -> None:
        """Bring everything up to date."""
        self._top.update()
        self._banner.update()
        self._view.update()
        self.tell()

    def tell(self) -> None:
        """Say what there is to say of the chosen one."""
        view = self._view
        row = view.row(view.chosen)
        if row is None:
            self._about.update("There are no services here yet.")
            return
        needs = ", ".join(row.needs) or "nothing"
        text = f"{view.chosen} {icon(row.state)} {row.state} · needs {needs}"
        if by := view.needed_by(view.chosen):
            text += f" · needed by {', '.join(by)}"
        self._about.update(Text(f"{text}\n{plain(row.note)}" if row.note else text, no_wrap=False))

    def action_choose(self) -> None:
        self.dismiss(self._view.chosen or None)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_why(self) -> None:
        if self._view.chosen:
            cast("DevboxApp", self.app).ask_why(self._view.chosen)


def _worst(rows: list[Row]) -> dict[str, Row]:
    """A row for each service: of several replicas, the one that is worst off."""
    ranks = {"bad": 0, "busy": 1, "off": 2, "good": 3}
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row.service)
        if known is None or ranks[styled(row.state)] < ranks[styled(known.state)]:
            found[row.service] = row
    return found


def _runs(cells: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbouring cells of one style, joined."""
    runs: list[tuple[str, str]] = []
    for letter, style in cells:
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + letter, style)
        else:
            runs.append((letter, style))
    return runs
