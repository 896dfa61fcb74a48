"""The Tasks tab: one-shot tasks of a service, run with its environment, and what the last one said."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from devbox.control.protocol import Row
from devbox.domain.log import LogChunk
from devbox.views.tui.factview import FactView
from devbox.views.tui.logview import LogView


class TaskList(FactView):
    """The names of a service's tasks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run_task", "run", key_display="⏎", id="run-task", tooltip="Run the task"),
        Binding("x", "end_task", "end it", id="end-task", tooltip="End the task that runs"),
    ]

    class Wanted(Message):
        """A task shall be run."""

        def __init__(self, task: str) -> None:
            super().__init__()
            self.task = task

    def __init__(self) -> None:
        super().__init__(id="task-list")
        self.tasks: tuple[str, ...] = ()
        self.running = ""
        self.runnable = True

    def show_tasks(self, row: Row | None, tasks: tuple[str, ...]) -> None:
        """Show the tasks of a service."""
        self.tasks = tasks
        rows = [self._row(task) for task in tasks]
        name = row.service if row else ""
        words = f"{name} has no tasks. `tasks:` in the manifest gives it some." if row else "Select a service first."
        self.show(name, rows, "" if rows else words)
        if rows and (self.cursor is None or self.cursor >= len(rows)):
            self.cursor = 0
            self.repaint()

    def _row(self, task: str) -> Text:
        text = Text(f" {task}")
        return text.append("  runs …", self._part("fact--busy")) if task == self.running else text

    def action_run_task(self) -> None:
        if self.cursor is not None and self.cursor < len(self.tasks):
            self.post_message(self.Wanted(self.tasks[self.cursor]))

    def action_end_task(self) -> None:
        self.post_message(self.Wanted(""))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "run_task":
            return self.runnable and bool(self.tasks) and not self.running
        if action == "end_task":
            return bool(self.running)
        return super().check_action(action, parameters)


class TasksPane(Vertical):
    """Tasks above, output of the last one below."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.list, self.output = TaskList(), LogView(id="task-output")

    def compose(self) -> ComposeResult:
        yield self.list
        yield self.output

    def on_mount(self) -> None:
        self.output.display = False

    def show_row(self, row: Row | None, *, runnable: bool = True) -> None:
        """Show the tasks of a service; those of a record cannot be run."""
        self.list.runnable = runnable
        tasks = row.tasks if row else ()
        self.list.show_tasks(row, tasks)
        self.list.styles.height = "1fr" if not self.output.display else max(1, min(len(tasks), 6))

    async def follow(self, service: str, task: str, lines: AsyncIterator[str]) -> None:
        """Show the lines of a task that was started, to its end."""
        self.list.running = task
        self.output.display = True
        self.output.begin(merged=False, names={})
        self.output.say(f"{task} was started; it has said nothing yet.")
        try:
            async with aclosing(lines) as stream:  # type: ignore[type-var]
                async for line in stream:
                    self.output.feed(LogChunk(service, 1, "stdout", 0, time.time(), (line,)))
        finally:
            self.list.running = ""
            self.refresh_bindings()
