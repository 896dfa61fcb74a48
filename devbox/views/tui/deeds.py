"""What a person has done to services from the panel: sent as commands, or run as `devbox` itself, and told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.worker import Worker

from devbox.control.protocol import Action, Command, Control, Goal, Row
from devbox.views.tui.actions import DOING, carry_out, failure, recreation, takeover, ways_to_remake
from devbox.views.tui.choice import Choice, ChoiceDialog
from devbox.views.tui.clean import plain
from devbox.views.tui.outside import Program, output_of, run_here
from devbox.views.tui.said import SaidScreen

if TYPE_CHECKING:
    from devbox.views.tui.app import DevboxApp


class Deeds:
    """Carries out what is asked for, and tells how it went. `argv` starts devbox."""

    def __init__(self, app: DevboxApp, control: Control, argv: tuple[str, ...]) -> None:
        self._app, self._control, self._argv = app, control, argv
        self._task_run: Worker[None] | None = None

    @property
    def program(self) -> Program:
        """The command line on this mesh."""
        mesh = self._app.mesh
        return Program(self._argv, mesh.project, mesh.files)

    def act(self, action: Action, service: str, by: str) -> None:
        """Have something done to a service, and tell how it went."""
        self._send(Command(action, (service,), by=by, goal=Goal.STARTED), f"{DOING[action]} {service}")

    def act_on_all(self, action: Action, by: str) -> None:
        """Have something done to every service, once it was asked for twice."""
        words = {Action.RESTART: "restart everything", Action.STOP: "stop everything"}[action]
        sure = [Choice("no", "n", "no, leave it as it is"), Choice("yes", "y", f"yes, {words}")]

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self._send(Command(action, by=by, goal=Goal.STARTED), f"{DOING[action]} everything")

        count = len({row.service for row in self._app.mesh.rows})
        self._app.push_screen(ChoiceDialog(f"Really {words}, all {count} services?", sure), answered)

    def take_over(self, by: str) -> None:
        """Have the manifest that was saved last taken over."""
        if (pending := self._app.mesh.pending) is not None:
            self._send(takeover(by), f"Taking over {plain(pending.file)}")

    def ask_how(self, row: Row) -> None:
        """The restart menu: how a service shall be made anew."""

        def chosen(way: str | None) -> None:
            if way is not None:
                self.remake(row.service, way)

        self._app.push_screen(ChoiceDialog(f"Restart {row.service}: how?", ways_to_remake(row)), chosen)

    def remake(self, service: str, way: str) -> None:
        """Have a service made anew in one of the ways of the restart menu."""
        by = f"{way} in the panel"
        match way:
            case Action.RESTART | Action.FRESH | Action.RUN_LOCAL | Action.RUN_CONTAINER:
                self.act(Action(way), service, by)
            case "recreate":
                self._send(recreation(service, by), f"Making {service} anew")
            case "rebuild":
                self._app.run_worker(self._rebuild(service, by), group="commands")

    async def _rebuild(self, service: str, by: str) -> None:
        screen = SaidScreen(f"devbox build {service}")
        await self._app.push_screen(screen)
        said = await screen.follow(output_of(self.program.command("build", service)))
        if said[-1] == "done":
            if screen.is_current:
                screen.dismiss()
            self._send(recreation(service, by), f"Making {service} anew")
            return
        title = f"Could not build {service}"
        self._app.notify("\n".join(map(plain, said[-6:])), title=title, severity="error", timeout=15, markup=False)

    def open_shell(self, row: Row) -> None:
        """Leave the terminal to a shell beside a service, and come back when it ends."""
        argv = self.program.command("exec", "--index", str(row.replica), row.service)
        try:
            with self._app.suspend():
                print(f"\n── a shell beside {row.name}; `exit` comes back to the panel ──", flush=True)
                code = run_here(argv)
        except SuspendNotSupported:
            words = f"There is no terminal to give away here. Use: devbox exec {row.service}"
            self._app.notify(words, markup=False)
            return
        if code:
            self._app.notify(f"The shell ended with {code}", timeout=4, markup=False)

    def run_task(self, row: Row, task: str) -> None:
        """Run a task of a service and show what it says; the empty task ends the one that runs."""
        if self._task_run is not None and not self._task_run.is_finished:
            self._task_run.cancel()
        if task:
            lines = output_of(self.program.command("task", row.service, task))
            self._task_run = self._app.run_worker(
                self._app.panel.detail.tasks.follow(row.service, task, lines), group="task"
            )

    def show_output(self, *words: str) -> None:
        """Run one command of devbox on this mesh, and show what it says on a screen of its own."""
        self._app.run_worker(self._show_output(words), group="said", exclusive=True)

    async def _show_output(self, words: tuple[str, ...]) -> None:
        said = SaidScreen(" ".join(("devbox", *words)))
        await self._app.push_screen(said)
        await said.follow(output_of(self.program.command(*words)))
        if said.is_attached and len(said.view.buffer) > said.view.size.height:
            said.view.action_to_top()

    def _send(self, command: Command, words: str) -> None:
        self._app.notify(words, timeout=2, markup=False)
        self._app.run_worker(self._carry_out(command), group="commands")

    async def _carry_out(self, command: Command) -> None:
        wrong = await carry_out(self._control, command)
        if wrong:
            self._app.notify(wrong, title=failure(command), severity="error", timeout=10, markup=False)
