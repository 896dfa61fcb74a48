"""The panel on a mesh that lives in memory: `python -m tests.tui.demo [healthy|broken|empty|fifty|flood]`."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import replace

from devbox.control.protocol import Command, Measured, Verdict
from devbox.domain.instance import Sample
from devbox.views.tui.app import DevboxApp
from tests.tui import scenes
from tests.tui.mesh import NOW, ScriptedControl, chunk, row


class LivingApp(DevboxApp):
    """The panel, with somebody who makes things happen."""

    def __init__(self, control: ScriptedControl, *, flood: bool) -> None:
        began = time.time()
        super().__init__(control, project="hello", clock=lambda: NOW + time.time() - began)
        self._living, self._flood = control, flood

    def on_mount(self) -> None:
        self.run_worker(self._live(), group="life")

    async def _live(self) -> None:
        orders = 1042
        while True:
            await asyncio.sleep(0.05 if self._flood else 0.7)
            at = self.clock()
            for n in range(1000 if self._flood else 1):
                orders += 1
                line = scenes.said(
                    "order placed", order=orders, customer=random.choice(("ada", "grace", "edsger")), n=n
                )
                self._living.log(chunk("orders", line, at=at))
            rows = self.mesh.rows
            running = [each.name for each in rows if each.started_at is not None]
            self._living.tell(
                Measured({name: Sample(random.uniform(0, 12), random.randint(20, 90) << 20) for name in running})
            )


async def restart(control: ScriptedControl, command: Command) -> Verdict:
    control.commands.append(command)
    for service in command.services:
        control.change(row(service, "starting", age=-1))
        await asyncio.sleep(1)
        control.change(replace(row(service), started_at=time.time()))
    return Verdict()


def main() -> None:
    scene = sys.argv[1] if len(sys.argv) > 1 else "healthy"
    make = {"broken": scenes.broken, "empty": scenes.empty, "fifty": scenes.fifty}.get(scene, scenes.healthy)
    print(LivingApp(make(), flood=scene == "flood").run())


if __name__ == "__main__":
    main()
