"""The runtime of containers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from devbox.domain.errors import DevboxError, EngineUnavailable, StepError
from devbox.domain.instance import Observed, Ref, Sample
from devbox.domain.places import Places
from devbox.domain.spec import ContainerRun, Unit, UnitKey
from devbox.domain.status import Failure, FailureKind
from devbox.domain.step import Op, Step
from devbox.runtimes.base import Change, ExecResult, LogFiles, Lost, Report
from devbox.runtimes.docker.engine import EngineLink
from devbox.runtimes.docker.images import ensure_image
from devbox.runtimes.docker.logs import LogCopier
from devbox.runtimes.docker.names import PROJECT, container_name, network_name, project_labels, volume_name
from devbox.runtimes.docker.translate import container_of, key_of, observed_of

if TYPE_CHECKING:
    from docker import APIClient

_RECONNECT_EVERY = 1.0

log = logging.getLogger(__name__)


class DockerRuntime:
    """Runs units whose `run` is a ContainerRun."""

    name = "docker"

    def __init__(self, places: Places, environ: Mapping[str, str]) -> None:
        self._places, self._project = places, places.project
        self._engine = EngineLink(environ)
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._network_ready = asyncio.Lock()
        self._network_known = False
        self._copiers: dict[str, LogCopier] = {}
        self._samples: dict[Ref, tuple[float, float]] = {}
        self._events: Any = None
        self._looking: set[asyncio.Task[None]] = set()
        self._closed = False

    async def observe(self) -> tuple[Observed, ...]:
        filters = {"label": [f"{PROJECT}={self._project}"]}

        def look(client: APIClient) -> list[dict[str, Any]]:
            found = []
            for each in client.containers(all=True, filters=filters):
                with _gone_is_fine():
                    found.append(client.inspect_container(each["Id"]))
            return found

        seen = tuple(map(observed_of, await self._engine.call(look)))
        await self._copy_logs(seen)
        return seen

    async def apply(self, step: Step, unit: Unit | None, report: Report) -> Observed | None:
        match step.op:
            case Op.PREPARE if unit is not None:
                await self._prepare(unit, report)
            case Op.START if unit is not None:
                return await self._start(step, unit)
            case Op.STOP if step.ref is not None:
                return await self._stop(step, step.ref, unit)
            case Op.REMOVE if step.ref is not None:
                await self._remove(step.ref)
        return None

    async def changes(self) -> AsyncIterator[Change]:
        watcher = asyncio.create_task(self._watch())
        try:
            while True:
                yield await self._changes.get()
        finally:
            watcher.cancel()

    async def signal(self, ref: Ref, signal: int) -> bool:
        try:
            await self._engine.call(lambda client: client.kill(ref.id, signal))
        except StepError:
            return False
        return True

    async def execute(self, ref: Ref, unit: Unit, argv: tuple[str, ...], limit: float) -> ExecResult:
        def run(client: APIClient) -> ExecResult:
            made = client.exec_create(ref.id, list(argv))
            output = client.exec_start(made["Id"])
            return ExecResult(client.exec_inspect(made["Id"])["ExitCode"], output.decode("utf-8", "replace"))

        try:
            async with asyncio.timeout(limit):
                return await self._engine.call(run)
        except TimeoutError:
            return ExecResult(None, "")
        except DevboxError as exc:
            return ExecResult(126, exc.message)

    def logs(self, key: UnitKey) -> LogFiles:
        folder = self._places.logs
        return LogFiles(folder / f"{key}.stdout", folder / f"{key}.stderr")

    async def stats(self, refs: Collection[Ref]) -> Mapping[Ref, Sample]:
        measured = await asyncio.gather(*(self._measure(ref) for ref in refs))
        return {ref: sample for ref, sample in zip(refs, measured, strict=True) if sample is not None}

    async def clear(self, *, volumes: bool) -> None:
        """Remove the project's network, and with `volumes` its volumes."""
        filters = {"label": [f"{PROJECT}={self._project}"]}

        def remove(client: APIClient) -> None:
            for network in client.networks(filters=filters):
                client.remove_network(network["Id"])
            for volume in (client.volumes(filters=filters)["Volumes"] or []) if volumes else []:
                client.remove_volume(volume["Name"])

        await self._engine.call(remove)

    async def close(self) -> None:
        self._closed = True
        for copier in self._copiers.values():
            copier.close()
        if self._events is not None:
            with contextlib.suppress(Exception):
                self._events.close()
        await self._engine.close()

    # --- steps

    async def _prepare(self, unit: Unit, report: Report) -> None:
        run = _container(unit)
        loop = asyncio.get_running_loop()

        def tell(text: str, done: int | None, total: int | None) -> None:
            loop.call_soon_threadsafe(report, text, done, total)

        await self._engine.call(lambda client: ensure_image(client, run.image, tell))
        await self._ensure_network()
        if run.data_volume is not None:
            name, labels = volume_name(self._project, unit.key.service), project_labels(self._project)
            await self._engine.call(lambda client: client.create_volume(name, labels=labels))

    async def _ensure_network(self) -> None:
        """The project's network; made once, however many services ask for it at once."""
        async with self._network_ready:
            if self._network_known:
                return
            name, labels = network_name(self._project), project_labels(self._project)

            def ensure(client: APIClient) -> None:
                if not any(each["Name"] == name for each in client.networks(names=[name])):
                    client.create_network(name, driver="bridge", labels=labels, check_duplicate=True)

            await self._engine.call(ensure)
            self._network_known = True

    async def _start(self, step: Step, unit: Unit) -> Observed:
        if step.ref is not None and step.ref.runtime == self.name:
            again = step.ref.id
            with contextlib.suppress(StepError):
                return await self._begin(again, unit)
        await self._ensure_network()
        body, name = container_of(self._project, unit), container_name(self._project, unit.key)

        def create(client: APIClient) -> str:
            return str(client.create_container_from_config(body, name)["Id"])

        return await self._begin(await self._engine.call(create), unit)

    async def _begin(self, container: str, unit: Unit) -> Observed:
        def start(client: APIClient) -> dict[str, Any]:
            client.start(container)
            return dict(client.inspect_container(container))

        try:
            seen = observed_of(await self._engine.call(start))
        except StepError as exc:
            raise StepError(_explained(exc.failure)) from exc
        await self._copy_logs([seen])
        return seen

    async def _stop(self, step: Step, ref: Ref, unit: Unit | None) -> Observed | None:
        grace = step.grace if step.grace is not None else (unit.spec.stop.grace if unit else 10.0)

        def stop(client: APIClient) -> dict[str, Any] | None:
            with _gone_is_fine():
                if step.signal and step.signal != "SIGTERM":
                    client.kill(ref.id, step.signal)
                client.stop(ref.id, timeout=max(0, round(grace)))
                return dict(client.inspect_container(ref.id))
            return None

        inspected = await self._engine.call(stop)
        return observed_of(inspected) if inspected is not None else None

    async def _remove(self, ref: Ref) -> None:
        def remove(client: APIClient) -> None:
            with _gone_is_fine():
                client.remove_container(ref.id, v=True, force=True)

        await self._engine.call(remove)
        if (copier := self._copiers.pop(ref.id, None)) is not None:
            copier.close()

    # --- what happens by itself

    async def _watch(self) -> None:
        """Follow the engine's events, and look at everything again whenever the line to it was cut."""
        while not self._closed:
            try:
                await self._follow_events()
            except EngineUnavailable as exc:
                log.warning("%s", exc.message)
            except Exception:
                log.exception("following the engine's events failed")
            await asyncio.sleep(_RECONNECT_EVERY)
            with contextlib.suppress(DevboxError):
                for seen in await self.observe():
                    self._changes.put_nowait(seen)

    async def _follow_events(self) -> None:
        client = await self._engine.client()
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        filters = {"type": ["container"], "label": [f"{PROJECT}={self._project}"]}

        def follow() -> None:
            try:
                self._events = client.events(filters=filters, decode=True)
                for event in self._events:
                    loop.call_soon_threadsafe(self._take_event, event)
            except Exception as exc:
                log.info("the engine's events ended: %r", exc)
            finally:
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=follow, name="docker events", daemon=True).start()
        await ended.wait()

    def _take_event(self, event: dict[str, Any]) -> None:
        action = str(event.get("Action", "")).partition(":")[0]
        container, labels = event["Actor"]["ID"], event["Actor"]["Attributes"]
        if action == "destroy":
            self._changes.put_nowait(Lost(Ref(self.name, container), key_of(labels)))
        elif action in ("die", "oom", "start", "pause", "unpause", "restart"):
            self._soon(self._look_at(container))

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look_at(self, container: str) -> None:
        try:
            inspected = await self._engine.call(lambda client: client.inspect_container(container))
        except DevboxError:
            return
        self._changes.put_nowait(observed_of(dict(inspected)))

    async def _copy_logs(self, seen: Collection[Observed]) -> None:
        client = await self._engine.client()
        for instance in seen:
            copier = self._copiers.get(instance.ref.id)
            if instance.alive and (copier is None or not copier.running):
                self._copiers[instance.ref.id] = LogCopier(client, instance.ref.id, self.logs(instance.key))

    async def _measure(self, ref: Ref) -> Sample | None:
        try:
            stats = await self._engine.call(lambda client: client.stats(ref.id, stream=False, one_shot=True))
        except DevboxError:
            return None
        memory = stats.get("memory_stats", {})
        used = memory.get("usage", 0) - memory.get("stats", {}).get("inactive_file", 0)
        spent = stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
        now = asyncio.get_running_loop().time()
        before = self._samples.get(ref)
        self._samples[ref] = (now, spent)
        share = (spent - before[1]) / (now - before[0]) * 100 if before and now > before[0] else 0.0
        return Sample(cpu=max(0.0, share), memory=max(0, used))


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    """What is no longer there need not be stopped, removed or looked at."""
    import docker.errors

    with contextlib.suppress(docker.errors.NotFound):
        yield


def _container(unit: Unit) -> ContainerRun:
    if not isinstance(unit.spec.run, ContainerRun):
        raise TypeError(f"{unit.key} is no container")
    return unit.spec.run


def _explained(failure: Failure) -> Failure:
    """The engine's refusal to start a container, with what to do where the words are well known."""
    words = failure.message
    if "port is already allocated" in words or "address already in use" in words:
        return Failure(FailureKind.PORT_TAKEN, words, "Free that port, or publish another one.")
    if "executable file not found" in words:
        return Failure(
            FailureKind.COMMAND_NOT_FOUND, words, "Mend `command` or `entrypoint`: the image has no such file."
        )
    return failure
