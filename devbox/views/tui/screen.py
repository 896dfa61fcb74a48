"""The panel's one screen: services on the left, the selected one on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from devbox.control.protocol import Action
from devbox.views.tui.actions import runs
from devbox.views.tui.bars import Banner, TopBar
from devbox.views.tui.detail import TABS, DetailPane
from devbox.views.tui.keybar import KeyBar
from devbox.views.tui.listing import TINY, listing
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.prompt import Prompt
from devbox.views.tui.table import ServiceTable
from devbox.views.tui.tailview import TailView
from devbox.views.tui.timeline import Recent

if TYPE_CHECKING:
    from devbox.control.protocol import Row
    from devbox.views.tui.app import DevboxApp

NARROW = 100
"""Columns below which the list and the details take turns."""

SHORT = 20
"""Rows below which whatever is not a service or a line of log goes."""

LEAST_RECENT, MOST_RECENT = 5, 14
"""Lines from which on there is room for what just happened below the table, and the most it takes."""


class MeshScreen(Screen[None]):
    """Draws the mesh. `zoomed` is whether the details have the whole width."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "command('restart')", "restart", tooltip="Restart the selected service"),
        Binding("s", "command('stop')", "stop", tooltip="Stop the selected service"),
        Binding("s", "command('start')", "start", tooltip="Start the selected service"),
        Binding("y", "why", "why", tooltip="Why the selected service is as it is"),
        Binding(
            "escape", "back", "back", key_display="esc", tooltip="Back: end the search, the filter, the full screen"
        ),
        Binding("tab,shift+tab", "other_side", "other side", show=False, tooltip="Go between the list and the details"),
        Binding("w", "browse", "open", tooltip="Open the selected service in the browser"),
        Binding("0", "everything", "all logs", tooltip="The merged log of everything"),
        *(Binding(str(n), f"tab({n})", title.lower(), show=False) for n, (_, title) in enumerate(TABS, 1)),
    ]

    def __init__(self, mesh: Mesh) -> None:
        super().__init__()
        self.zoomed = False
        self.mesh = mesh
        self.top, self.banner = TopBar(mesh, id="top"), Banner(mesh, id="banner")
        self.table, self.recent = ServiceTable(id="table"), Recent(id="recent")
        self.filter = Prompt("/", "filter: name or state", id="filter")
        self.detail = DetailPane(id="detail")

    @property
    def panel(self) -> DevboxApp:
        """The application, by its own class."""
        return cast("DevboxApp", self.app)

    def compose(self) -> ComposeResult:
        yield self.top
        yield self.banner
        with Horizontal(id="sides"):
            with Vertical(id="list"):
                yield self.table
                yield self.recent
                yield self.filter
            yield self.detail
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        self.table.focus()
        self.draw()
        self.set_interval(1, self.draw)

    @property
    def selected(self) -> Row | None:
        """The selected replica; None for everything."""
        return self.mesh.row(self.table.selected)

    def draw(self) -> None:
        """Bring everything up to date; what is as it was is not touched."""
        mesh, wanted = self.mesh, self.filter.text
        heads = self.size.height >= SHORT
        tiny = self.size.width < TINY
        entries = listing(mesh, self.panel.clock(), self.table.room, wanted=wanted, tiny=tiny, heads=heads)
        self.table.show(entries, "" if entries else self._words(wanted))
        self._draw_recent(len(entries))
        self.top.update()
        self.banner.update()
        self.draw_detail()

    def _draw_recent(self, taken: int) -> None:
        """What just happened, below the table, where that leaves room."""
        recent = self.recent
        left = self.table.size.height + (self.recent.outer_size.height if self.recent.display else 0) - taken
        recent.display = bool(self.mesh.events) and left > LEAST_RECENT
        if recent.display:
            recent.styles.height = min(left - 1, len(self.mesh.events) + 1, MOST_RECENT)
            recent.show(self.mesh.events, None)

    def draw_detail(self) -> None:
        row = self.selected
        self.detail.update_title(row)
        if self.detail.tab == "events":
            self.detail.timeline.show(self.mesh.events, row.service if row else None)

    def zoom(self, zoomed: bool) -> None:
        """Give the details the whole width, or take it back."""
        self.zoomed = zoomed
        self.set_class(zoomed, "-zoomed")
        if zoomed:
            self.detail.focus_tab()
        else:
            self.table.focus()
        self.refresh_bindings()

    # --- keys

    def action_command(self, action: str) -> None:
        if (row := self.selected) is not None:
            key = "r" if action == Action.RESTART else "s"
            self.panel.act(Action(action), row.service, f"{key} in the panel")

    def action_why(self) -> None:
        if (row := self.selected) is not None:
            self.panel.ask_why(row.service)

    def action_browse(self) -> None:
        if (row := self.selected) is not None and row.url:
            self.panel.open_url(row.url)
            self.notify(f"Opening {row.url}", timeout=2, markup=False)

    def action_open(self) -> None:
        self.detail.open_tab(1)
        self.zoom(True)
        self.draw_detail()

    def action_everything(self) -> None:
        self.filter.clear()
        self.draw()
        self.table.select(None)
        self.action_tab(1)

    def action_tab(self, number: int) -> None:
        on_list = self.focused is self.table
        self.detail.open_tab(number)
        self.draw_detail()
        if not on_list or self._takes_turns:
            self.zoom(True) if self._takes_turns else self.detail.focus_tab()

    def action_other_side(self) -> None:
        if self._takes_turns or self.zoomed:
            self.zoom(not self.zoomed)
        elif self.focused is self.table:
            self.detail.focus_tab()
        else:
            self.table.focus()

    def action_filter(self) -> None:
        self.filter.ask()

    def action_search(self) -> None:
        self.detail.search.ask()

    def action_back(self) -> None:
        search = self.detail.search
        if self.detail.log_view.search and self.focused is not self.table:
            search.clear()
        elif self.zoomed:
            self.zoom(False)
        elif self.focused is not self.table:
            self.table.focus()
        elif self.filter.text:
            self.filter.clear()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.selected
        match action, parameters:
            case ("why" | "command" | "browse", _) if row is None:
                return None
            case "browse", _:
                return bool(row and row.url)
            case "command", (toggled,):
                return toggled == "restart" or (row is not None and runs(row) is (toggled == "stop"))
            case "back", _:
                return self.zoomed or self.focused is not self.table or bool(self.filter.text)
        return True

    # --- what the parts tell

    @on(ServiceTable.Selected)
    def _selected(self) -> None:
        self.refresh_bindings()
        self.draw_detail()
        self.panel.show_log_soon()

    @on(TailView.Moved)
    def _moved(self) -> None:
        self.detail.update_title(self.selected)

    @on(Prompt.Changed, "#filter")
    def _filtered(self) -> None:
        self.draw()
        self.refresh_bindings()

    @on(Prompt.Left, "#filter")
    def _filter_left(self) -> None:
        self.draw()
        self.table.focus()

    @on(Prompt.Changed, "#search")
    def _searched(self, event: Prompt.Changed) -> None:
        self.detail.log_view.look_for(event.text)

    @on(Prompt.Left, "#search")
    def _search_left(self, event: Prompt.Left) -> None:
        self.detail.log_view.focus()
        if not event.cancelled:
            self.detail.log_view.action_match(-1)

    @property
    def _takes_turns(self) -> bool:
        return self.size.width < NARROW

    def _words(self, wanted: str) -> str:
        if wanted:
            return f"No services match '{wanted}'.\nEsc clears."
        if not self.mesh.known:
            return "Connecting to the supervisor…"
        return "There are no services here yet.\nAdd some to devbox.yaml."
