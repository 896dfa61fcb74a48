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
from devbox.views.tui.factview import FactView
from devbox.views.tui.keybar import KeyBar
from devbox.views.tui.listing import TINY, Look, Order, listing
from devbox.views.tui.logview import LogView
from devbox.views.tui.mesh import Mesh
from devbox.views.tui.prompt import Prompt
from devbox.views.tui.table import ServiceTable
from devbox.views.tui.tailview import TailView
from devbox.views.tui.taskspane import TaskList
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
        Binding("r", "command('restart')", "restart", tooltip="Restart the selected service", id="restart"),
        Binding("s", "command('stop')", "stop", tooltip="Stop the selected service", id="stop"),
        Binding("s", "command('start')", "start", tooltip="Start the selected service", id="stop"),
        Binding("y", "why", "why", tooltip="Why the selected service is as it is", id="why"),
        Binding(
            "escape", "back", "back", key_display="esc", id="back",
            tooltip="Back: end the search, the filter, the full screen",
        ),
        Binding("0", "everything", "all logs", tooltip="The merged log of everything", id="all-logs"),
        Binding(
            "S", "search_all", "search all", show=False, id="search-all",
            tooltip="Search every log from its beginning",
        ),
        Binding("R", "remake", "restart …", tooltip="Restart menu: recreate, rebuild, …", id="restart-menu"),
        Binding("E", "shell", "shell", tooltip="A shell beside the selected service", id="shell"),
        Binding("t", "tasks", "tasks", tooltip="The tasks of the selected service", id="tasks"),
        Binding("i", "inspect", "inspect", tooltip="All there is to the selected service", id="inspect"),
        Binding(
            "tab,shift+tab", "other_side", "other side", show=False, id="other-side",
            tooltip="Go between the list and the details",
        ),
        *(
            Binding(str(n), f"tab({n})", title.lower(), show=False, id=f"tab-{n}", tooltip=f"{title} of this one")
            for n, (_, title) in enumerate(TABS, 1)
        ),
    ]  # fmt: skip

    def __init__(self, mesh: Mesh) -> None:
        super().__init__()
        self.zoomed = False
        self.order = Order.GROUPS
        self.mesh = mesh
        self.top, self.banner = TopBar(mesh, id="top"), Banner(mesh, id="banner")
        self.table, self.recent = ServiceTable(id="table"), Recent(id="recent")
        self.filter = Prompt("/", "filter: name or state", id="filter")
        self.detail = DetailPane(id="detail")
        self.everywhere = Prompt(
            "S", "search every log from its beginning: text or regular expression", id="everywhere"
        )

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
        yield self.everywhere
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
        tall, tiny = self.size.height >= SHORT, self.size.width < TINY
        look = Look(self.table.room, wanted, self.order, tiny=tiny, heads=tall)
        entries = listing(mesh, self.panel.clock(), look)
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
        match self.detail.tab:
            case "events":
                self.detail.timeline.show(self.mesh.events, row.service if row else None)
            case "health":
                self.detail.health.show_probes(row, self.panel.asked.probes_of(row), self.panel.asked.trouble)
            case "metrics":
                self.detail.metrics.show_history(
                    row, self.panel.asked.history_of(row), self.panel.clock(), self.panel.asked.trouble
                )
            case "config":
                values, trouble = self.panel.asked.values_of(row), self.panel.asked.trouble
                self.detail.config.show_row(row, self.mesh.files, self.mesh.project, values, trouble)
            case "tasks":
                self.detail.tasks.show_row(row, runnable=self.mesh.as_of is None)

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
            self.panel.deeds.act(Action(action), row.service, f"{key} in the panel")

    def action_why(self) -> None:
        if (row := self.selected) is not None:
            self.panel.ask_why(row.service)

    def action_browse(self) -> None:
        if (row := self.selected) is not None and row.url:
            self.panel.open_url(row.url)
            self.notify(f"Opening {row.url}", timeout=2, markup=False)

    def action_order(self) -> None:
        orders = list(Order)
        self.sort_by(orders[(orders.index(self.order) + 1) % len(orders)])

    def sort_by(self, order: Order) -> None:
        """Sort the list, and say by what."""
        self.order = order
        self.draw()
        self.notify(f"Sorted by {order.value}", timeout=2, markup=False)

    def action_map(self) -> None:
        self.panel.show_map()

    def action_remake(self) -> None:
        if (row := self.selected) is not None:
            self.panel.deeds.ask_how(row)

    def action_shell(self) -> None:
        if (row := self.selected) is not None:
            self.panel.deeds.open_shell(row)

    def action_tasks(self) -> None:
        self._go_to_tab("tasks")

    def action_inspect(self) -> None:
        self._go_to_tab("config")

    def _go_to_tab(self, name: str) -> None:
        """Open a tab and go there."""
        self.action_tab(next(number for number, (tab, _) in enumerate(TABS, 1) if tab == name))
        self.detail.focus_tab()

    def action_timings(self) -> None:
        self.panel.show_timings()

    def action_open(self) -> None:
        self.open_tab(1)

    def open_tab(self, number: int) -> None:
        """Open a tab on the whole width."""
        self.detail.open_tab(number)
        self.panel.ask_for_tab()
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
        self.panel.ask_for_tab()
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

    def action_search_all(self) -> None:
        self.everywhere.ask()

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
        if self.mesh.as_of is not None and action in ("command", "remake", "shell", "timings"):
            return False
        match action, parameters:
            case ("why" | "command" | "browse" | "remake" | "shell" | "tasks" | "inspect", _) if row is None:
                return None
            case "everything", _:
                return row is not None or self.detail.tab != "log"
            case "shell", _:
                return row is not None and row.started_at is not None
            case "browse", _:
                return bool(row and row.url)
            case "command", (toggled,):
                return toggled == "restart" or (row is not None and runs(row) is (toggled == "stop"))
            case "back", _:
                # Nothing has the focus while another window has it: that is no reason to name other keys.
                return self.zoomed or self.focused not in (None, self.table) or bool(self.filter.text)
        return True

    # --- what the parts tell

    @on(ServiceTable.Selected)
    def _selected(self) -> None:
        self.refresh_bindings()
        self.panel.ask_for_tab()
        self.draw_detail()
        self.panel.logs.show_soon()

    @on(TailView.Moved)
    def _moved(self) -> None:
        self.detail.update_title(self.selected)

    @on(ServiceTable.Resized)
    def _list_resized(self) -> None:
        self.draw()

    @on(FactView.Resized)
    def _detail_resized(self) -> None:
        self.draw_detail()

    @on(LogView.Asked)
    def _asked(self, event: LogView.Asked) -> None:
        self.panel.logs.serve(event.view, event.what, event.lines)

    @on(TaskList.Wanted)
    def _task_wanted(self, event: TaskList.Wanted) -> None:
        if (row := self.selected) is not None:
            self.panel.deeds.run_task(row, event.task)

    @on(ServiceTable.Titled)
    def _titled(self, event: ServiceTable.Titled) -> None:
        order = next((order for order in Order if order.value == event.column), Order.GROUPS)
        self.order = Order.GROUPS if order is self.order else order
        self.draw()

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

    @on(Prompt.Left, "#everywhere")
    def _everywhere_left(self, event: Prompt.Left) -> None:
        wanted = "" if event.cancelled else event.prompt.text
        event.prompt.clear()
        self.detail.focus_tab() if self.zoomed else self.table.focus()
        if wanted:
            self.panel.logs.search_everything(wanted)

    @property
    def _takes_turns(self) -> bool:
        return self.size.width < NARROW

    def _words(self, wanted: str) -> str:
        if wanted:
            return f"No services match '{wanted}'.\nEsc clears."
        if not self.mesh.known:
            return "Connecting to the supervisor…"
        return "There are no services here yet.\nAdd some to devbox.yaml."
