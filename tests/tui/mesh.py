"""A mesh that is only told: a Control in memory, and words to write scenes with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

from devbox.control.protocol import Changed, Command, ConfigValue, Frame, Row, Snapshot, Verdict, Why
from devbox.domain.errors import DevboxError, NotRunning, UsageError
from devbox.domain.event import Body, Event, service_of
from devbox.domain.instance import Sample
from devbox.domain.log import LogChunk, LogQuery
from devbox.domain.measure import MetricsHistory, ProbeResult
from devbox.domain.spec import Group, Port
from devbox.domain.status import Health, Hold, Intent, Phase, Status
from devbox.domain.timing import Timings

NOW = 1_750_000_000.0
"""The time of every scene: 15 June 2025, 15:06:40 UTC."""

_PHASES = {
    "healthy": (Phase.RUNNING, Health.HEALTHY),
    "unhealthy": (Phase.RUNNING, Health.UNHEALTHY),
    "running": (Phase.RUNNING, Health.NONE),
    "starting": (Phase.RUNNING, Health.STARTING),
    "preparing": (Phase.PREPARING, Health.NONE),
    "waiting": (Phase.IDLE, Health.NONE),
    "stopped": (Phase.IDLE, Health.NONE),
    "crashing": (Phase.BACKOFF, Health.NONE),
    "completed": (Phase.COMPLETED, Health.NONE),
    "failed": (Phase.FAILED, Health.NONE),
}


def row(
    service: str,
    state: str = "healthy",
    *,
    group: Group = Group.SERVICE,
    note: str = "",
    age: float = 192.0,
    restarts: int = 0,
    port: int | None = None,
    cpu: float | None = None,
    memory: int = 45,
    replica: int = 1,
    replicas: int = 1,
    needs: tuple[str, ...] = (),
) -> Row:
    """A row in a state; `memory` in MiB."""
    phase, health = _PHASES[state]
    alive = phase is Phase.RUNNING
    hold = Hold(service, "?", note) if state == "waiting" else None
    intent = Intent.STOP if state == "stopped" else Intent.RUN
    return Row(
        service=service,
        replica=replica,
        replicas=replicas,
        runtime="process",
        group=group,
        status=Status(intent, phase, health, hold, restarts, NOW - age),
        state=state,
        note=note,
        pid=4000 + len(service) if alive else None,
        started_at=NOW - age if alive else None,
        ports=(Port(port, port),) if port else (),
        needs=needs,
        url=f"http://127.0.0.1:{port}/" if port and service == "web" else "",
        sample=Sample(cpu, memory << 20) if cpu is not None and alive else None,
    )


def snapshot(*rows: Row, project: str = "hello", notes: tuple[str, ...] = ()) -> Snapshot:
    """A snapshot with these rows."""
    return Snapshot(1, project, ("devbox.yaml",), 4242, rows, notes)


def chunk(service: str, *lines: str, stream: str = "stdout", at: float = NOW, replica: int = 1) -> LogChunk:
    """Lines of a service."""
    return LogChunk(service, replica, stream, 0, at, lines)


def event(seq: int, body: Body, *, cause: int = 0, at: float | None = None) -> Event:
    """A fact at its place; by default a tenth of a second after the one before."""
    return Event(seq, NOW - 60 + seq / 10 if at is None else at, service_of(body), cause, body)


def _has(line: str, query: LogQuery) -> bool:
    pattern = query.text if query.regex else re.escape(query.text)
    return bool(re.search(pattern, line, re.IGNORECASE if query.ignore_case else re.NOFLAG))


class ScriptedControl:
    """Serves what a test tells it to, and keeps what it was asked for.

    `up` says whether there is a supervisor; `hang_up` ends every stream that is open.
    """

    def __init__(self, *frames: Frame, logs: tuple[LogChunk, ...] = (), whys: tuple[Why, ...] = ()) -> None:
        self.up = True
        self.commands: list[Command] = []
        self.asked_why: list[str] = []
        self.read_logs: list[tuple[str, ...]] = []
        self.tails: int | None = None
        self.searched: list[LogQuery] = []
        self.verdict: Verdict | DevboxError = Verdict()
        self.refusal: DevboxError | None = None
        self.closed = False
        self._frames, self._logs = list(frames), list(logs)
        self._whys = {why.row.service: why for why in whys}
        self.probed: dict[str, tuple[ProbeResult, ...]] = {}
        self.measured: dict[str, MetricsHistory] = {}
        self.timed = Timings(0.0, 0.0, (), ())
        self.configured: dict[str, tuple[ConfigValue, ...]] = {}
        self._watchers: list[asyncio.Queue[Frame | None]] = []
        self._readers: list[tuple[tuple[str, ...], asyncio.Queue[LogChunk | None]]] = []

    # --- for the test

    def tell(self, frame: Frame) -> None:
        """Something happens."""
        self._frames.append(frame)
        for queue in self._watchers:
            queue.put_nowait(frame)

    def change(self, *rows: Row, events: tuple[Event, ...] = ()) -> None:
        """Rows are not as they were."""
        self.tell(Changed(2, events, rows))

    def log(self, chunk: LogChunk) -> None:
        """A service writes."""
        self._logs.append(chunk)
        for services, queue in self._readers:
            if not services or chunk.service in services:
                queue.put_nowait(chunk)

    @property
    def delivered(self) -> bool:
        """Whether everything that was told has been taken in."""
        queues = [*self._watchers, *(queue for _, queue in self._readers)]
        return all(queue.empty() for queue in queues)

    def hang_up(self) -> None:
        """The supervisor dies."""
        self.up = False
        for queue in self._watchers:
            queue.put_nowait(None)
        for _, reader in self._readers:
            reader.put_nowait(None)

    # --- for the panel

    async def frames(self) -> AsyncIterator[Frame]:
        self._need()
        queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        for frame in self._frames:
            queue.put_nowait(frame)
        self._watchers.append(queue)
        try:
            while (item := await queue.get()) is not None:
                yield item
        finally:
            self._watchers.remove(queue)

    async def logs(
        self, services: tuple[str, ...] = (), *, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[LogChunk]:
        self._need()
        self.read_logs.append(services)
        queue: asyncio.Queue[LogChunk | None] = asyncio.Queue()
        entry = (services, queue)
        for chunk in self._last(services, self.tails or tail):
            queue.put_nowait(chunk)
        if not follow:
            queue.put_nowait(None)
        self._readers.append(entry)
        try:
            while (item := await queue.get()) is not None:
                yield item
        finally:
            self._readers.remove(entry)

    def _last(self, services: tuple[str, ...], tail: int | None) -> list[LogChunk]:
        """The chunks with the last `tail` lines of these services, the first one cut."""
        wanted = [chunk for chunk in self._logs if not services or chunk.service in services]
        kept: list[LogChunk] = []
        for chunk in reversed(wanted):
            room = len(chunk.lines) if tail is None else tail - sum(len(each.lines) for each in kept)
            if room > 0:
                cut = max(0, len(chunk.lines) - room)
                kept.insert(0, replace(chunk, first_line=chunk.first_line + cut, lines=chunk.lines[cut:]))
        return kept

    async def search(self, query: LogQuery, *, follow: bool = False) -> AsyncIterator[LogChunk]:
        self._need()
        self.searched.append(query)
        for kept in reversed(self._logs) if query.newest_first else self._logs:
            lines = tuple(line for line in kept.lines if _has(line, query))
            wanted = not query.services or kept.service in query.services
            if lines and wanted and (query.until is None or kept.at < query.until):
                yield replace(kept, lines=lines)

    async def lines(self, service: str, replica: int, first: int, count: int, *, stream: str = "stdout") -> LogChunk:
        raise UsageError("these logs are not numbered")

    async def command(self, command: Command) -> Verdict:
        self._need()
        self.commands.append(command)
        if isinstance(self.verdict, DevboxError):
            raise self.verdict
        return self.verdict

    async def why(self, service: str) -> Why:
        self._need()
        self.asked_why.append(service)
        if service not in self._whys:
            raise UsageError(f"there is no service {service}")
        return self._whys[service]

    async def probes(self, service: str, replica: int = 1) -> tuple[ProbeResult, ...]:
        self._need()
        return self.probed.get(service, ())

    async def metrics(self, service: str, replica: int = 1) -> MetricsHistory:
        self._need()
        return self.measured.get(service, MetricsHistory())

    async def config(self, service: str) -> tuple[ConfigValue, ...]:
        self._need()
        if self.refusal is not None:
            raise self.refusal
        return self.configured.get(service, ())

    async def timings(self) -> Timings:
        self._need()
        return self.timed

    async def close(self) -> None:
        self.closed = True

    def _need(self) -> None:
        if not self.up:
            raise NotRunning("nothing of hello runs")
