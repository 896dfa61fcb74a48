"""The runtime of containers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import threading
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from devbox.domain.container import Hook
from devbox.domain.doors import has_door
from devbox.domain.errors import DevboxError, EngineUnavailable, StepError
from devbox.domain.instance import Observed, Outage, Ref, Sample
from devbox.domain.places import Places
from devbox.domain.spec import AppSpec, ContainerRun, Unit, UnitKey
from devbox.domain.status import Failure, FailureKind
from devbox.domain.step import Op, Step
from devbox.runtimes.base import Answering, Change, ExecResult, LogFiles, Lost, Report, SyncBatch
from devbox.runtimes.docker.abilities import beyond
from devbox.runtimes.docker.bounded import BoundedCommands
from devbox.runtimes.docker.engine import EngineLink, explained
from devbox.runtimes.docker.images import called, has_image
from devbox.runtimes.docker.logs import LogCopier
from devbox.runtimes.docker.names import ANONYMOUS, COMPOSE_PROJECT, PROJECT, REPLICA, container_name, is_orphan
from devbox.runtimes.docker.provision import (
    Provisioner,
    container_run,
    free_name,
    gone_is_fine,
    remove_container,
    remove_network,
    run_hooks,
    run_last_hooks,
    take_over_name,
)
from devbox.runtimes.docker.sight import data_mark, key_of, observed_of
from devbox.runtimes.docker.sync import ContainerFiles
from devbox.runtimes.docker.translate import Surroundings, attachments, container_of
from devbox.runtimes.docker.usage import ContainerUsage

if TYPE_CHECKING:
    from docker import APIClient

_RECONNECT_EVERY = 0.5
_TELLING = frozenset({"die", "oom", "start", "pause", "unpause", "restart", "health_status"})
"""The events after which a container is looked at."""

_GONE = frozenset({"destroy", "remove"})
"""The event after which a container is no more, as Docker and as Podman call it."""

log = logging.getLogger(__name__)


class DockerRuntime:
    """Runs units whose `run` is a ContainerRun."""

    name = "docker"

    def __init__(self, places: Places, environ: Mapping[str, str]) -> None:
        self._places, self._project = places, places.project
        self._engine = EngineLink(environ)
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._provisioner = Provisioner(
            Surroundings(self._project, None), dict(environ), local=self._engine.endpoint.socket is not None
        )
        self._making = asyncio.Lock()
        self._networks: set[str] = set()
        self._image_locks: dict[str, asyncio.Lock] = {}
        self._with_terminal: set[str] = set()
        self._copiers: dict[str, LogCopier] = {}
        self._usage = ContainerUsage(self._engine)
        self._commands = BoundedCommands(self._engine)
        self._events: Any = None
        self._looking: set[asyncio.Task[None]] = set()
        self._paused: set[str] = set()
        self._orphans: dict[str, str] = {}
        self._starting: set[str] = set()
        self._stopping: set[str] = set()
        self._closed = False
        self._files = ContainerFiles()

    def learn(self, app: AppSpec) -> tuple[str, ...]:
        self._provisioner.around = Surroundings(self._project, app)
        self._networks.clear()
        return (*beyond(app, self._engine.version), *self._of_others()) if self._engine.version else ()

    def _of_others(self) -> tuple[str, ...]:
        if not self._orphans:
            return ()
        names = ", ".join(sorted(self._orphans.values()))
        return (f"other tools made containers of this project: {names}; `--remove-orphans` removes them",)

    async def observe(self) -> tuple[Observed, ...]:
        all_of_it = {"label": [f"{COMPOSE_PROJECT}={self._project}"]}
        there = await self._engine.call(lambda client: client.containers(all=True, filters=all_of_it))
        self._orphans = {
            each["Id"]: each["Names"][0].lstrip("/")
            for each in there
            if PROJECT not in each["Labels"] and is_orphan(each["Labels"], each["State"])
        }
        replicas = [each["Id"] for each in there if PROJECT in each["Labels"] and REPLICA in each["Labels"]]
        found = await asyncio.gather(*map(self._inspect, replicas))
        seen = tuple(each for each in found if each is not None)
        await self._copy_logs(seen)
        return seen

    @property
    def _replicas(self) -> dict[str, list[str]]:
        """Which containers are replicas of services; those of `run` are not."""
        return {"label": [f"{PROJECT}={self._project}", REPLICA]}

    async def _inspect(self, container: str) -> Observed | None:
        def look(client: APIClient) -> dict[str, Any] | None:
            with gone_is_fine():
                return dict(client.inspect_container(container))
            return None

        inspected = await self._engine.call(look)
        return self._observed(inspected) if inspected is not None else None

    def _observed(self, inspected: dict[str, Any]) -> Observed:
        if inspected["Config"].get("Tty"):
            self._with_terminal.add(inspected["Id"])
        self._usage.know(inspected["Id"], inspected["State"]["Pid"])
        seen = observed_of(inspected)
        (self._paused.add if seen.paused else self._paused.discard)(seen.ref.id)
        return seen

    async def apply(self, step: Step, unit: Unit | None, report: Report) -> Observed | None:
        match step.op:
            case Op.PREPARE if unit is not None:
                await self._prepare(unit, report)
            case Op.START if unit is not None:
                return await self._start(step, unit, report)
            case Op.STOP if step.ref is not None:
                return await self._stop(step, step.ref, unit)
            case Op.REMOVE if step.ref is not None:
                await self._remove(step.ref)
                if unit is not None and has_door(unit.spec):
                    await self._engine.call(functools.partial(take_over_name, name=self._name(unit)))
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

    async def pause(self, ref: Ref, *, paused: bool) -> bool:
        try:
            await self._engine.call(lambda client: client.pause(ref.id) if paused else client.unpause(ref.id))
        except StepError:
            return False
        return True

    async def outdated(self, units: Collection[Unit]) -> Mapping[Ref, str]:
        """Containers whose image is no longer what its name stands for. Two calls, however many there are."""
        self._provisioner.images_changed()
        images = {str(unit.key): container_run(unit).image for unit in units}

        def look(client: APIClient) -> dict[Ref, str]:
            tags = ((tag, each["Id"]) for each in client.images() for tag in each["RepoTags"] or ())
            current = {name: image for tag, image in tags for name in called(tag)}
            stale = {}
            for each in client.containers(filters=self._replicas):
                image = images.get(str(key_of(each["Labels"])), "")
                now = current.get(image if ":" in image.rpartition("/")[2] else f"{image}:latest")
                if now is not None and now != each["ImageID"]:
                    stale[Ref(self.name, each["Id"])] = f"its image {image} changed"
            return stale

        return await self._engine.call(look) if images else {}

    async def gateway(self) -> str | None:
        """The bridge's address. An engine in a virtual machine forwards to the host's loopback by itself."""
        if self._engine.endpoint.socket is None:
            return None

        def ask(client: APIClient) -> str | None:
            if "Desktop" in client.info().get("OperatingSystem", ""):
                return None
            pools = client.inspect_network("bridge")["IPAM"]["Config"] or [{}]
            # An engine that was never restarted names no gateway: it took the first address.
            subnet = ipaddress.ip_network(pools[0]["Subnet"]) if pools[0].get("Subnet") else None
            return pools[0].get("Gateway") or (str(subnet[1]) if subnet is not None else None)

        try:
            return await self._engine.call(ask)
        except DevboxError:
            return None

    async def execute(self, ref: Ref, unit: Unit, argv: tuple[str, ...], limit: float) -> ExecResult:
        return await self._commands.run(ref.id, argv, limit)

    async def sync(self, ref: Ref, unit: Unit, batch: SyncBatch) -> tuple[str, ...]:
        return await self._engine.call(lambda client: self._files.bring(client, ref.id, batch), waits=True)

    async def rebuild(self, unit: Unit, report: Report) -> None:
        tell = self._from_a_thread(report)
        image = container_run(unit).image
        async with self._image_locks.setdefault(image, asyncio.Lock()), self._no_build_left(image):
            await self._engine.call(lambda client: self._provisioner.build(client, unit, tell), waits=True)

    @contextlib.asynccontextmanager
    async def _no_build_left(self, image: str) -> AsyncIterator[None]:
        """Whoever gives up in here ends the build that is under way on a thread."""
        try:
            yield
        except asyncio.CancelledError:
            self._provisioner.builds.end(image)
            raise

    async def run_hook(self, ref: Ref, unit: Unit, hook: Hook, limit: float) -> None:
        try:
            async with asyncio.timeout(limit):
                await self._engine.call(lambda client: run_hooks(client, ref.id, [hook], "watch"), waits=True)
        except TimeoutError:
            words = f"{hook.command[0]} took longer than {limit:g} s"
            raise StepError(Failure(FailureKind.EXITED, words)) from None

    async def data_mark(self, ref: Ref, unit: Unit) -> str:
        path = container_run(unit).data_volume
        return await self._engine.call(lambda client: data_mark(client, ref.id, path))

    def logs(self, key: UnitKey) -> LogFiles:
        folder = self._places.logs
        return LogFiles(folder / f"{key}.stdout", folder / f"{key}.stderr")

    async def stats(self, refs: Collection[Ref]) -> Mapping[Ref, Sample]:
        return await self._usage.measure(refs)

    async def clear_data(self, unit: Unit) -> None:
        await self._engine.call(lambda client: self._provisioner.remove_storage(client, unit), waits=True)

    async def clear(self, *, volumes: bool) -> None:
        """Remove the project's networks, one-off containers and nameless volumes, and with `volumes` the others too."""
        filters = {"label": [f"{PROJECT}={self._project}"]}
        nameless = {"label": [f"{PROJECT}={self._project}", f"{ANONYMOUS}=true"]}

        def remove(client: APIClient) -> None:
            for container in client.containers(all=True, filters=filters):
                remove_container(client, container["Id"])
            for volume in client.volumes(filters=filters if volumes else nameless)["Volumes"] or []:
                with gone_is_fine():
                    client.remove_volume(volume["Name"])
            refused = [remove_network(client, network["Name"]) for network in client.networks(filters=filters)]
            for failure in refused:
                if failure is not None:
                    raise StepError(failure)

        await self._engine.settled()
        await self._engine.call(remove, waits=True)

    async def close(self) -> None:
        self._closed = True
        self._provisioner.builds.close()
        for copier in self._copiers.values():
            copier.close()
        if self._events is not None:
            with contextlib.suppress(Exception):
                self._events.close()
        await self._engine.close()

    # --- steps

    def _from_a_thread(self, report: Report) -> Report:
        """`report` for work on a thread."""
        loop = asyncio.get_running_loop()

        def tell(text: str, done: int | None, total: int | None) -> None:
            loop.call_soon_threadsafe(report, text, done, total)

        return tell

    async def _prepare(self, unit: Unit, report: Report) -> None:
        run = container_run(unit)
        tell = self._from_a_thread(report)
        # Builds of one image by several services wait for each other; the later ones find it there.
        async with self._image_locks.setdefault(run.image, asyncio.Lock()), self._no_build_left(run.image):
            await self._engine.call(lambda client: self._provisioner.image(client, unit, tell), waits=True)
        await self._ensure_networks(run)
        if run.mounts or run.files or run.data_volume is not None:
            await self._engine.call(lambda client: self._provisioner.storage(client, unit))

    async def _ensure_networks(self, run: ContainerRun) -> None:
        """The networks a container is on; each made once, however many services ask for it at once."""
        async with self._making:
            for key in {attachment.network for attachment in attachments(run)} - self._networks:
                await self._engine.call(functools.partial(self._provisioner.network, key=key))
                self._networks.add(key)

    async def _start(self, step: Step, unit: Unit, report: Report) -> Observed:
        run = container_run(unit)
        if step.ref is not None and step.ref.runtime == self.name:
            with contextlib.suppress(StepError):
                if await self._engine.call(functools.partial(has_image, container=step.ref.id, image=run.image)):
                    return await self._begin(step.ref.id, unit)
            await self._remove(step.ref)
        await self._ensure_networks(run)

        tell = self._from_a_thread(report)

        def create(client: APIClient) -> str:
            name = free_name(client, self._name(unit)) if step.beside else self._name(unit)
            volumes = self._provisioner.image_volumes(client, run.image)
            body = container_of(unit, self._provisioner.around, volumes)
            return self._provisioner.create(client, unit, body, name, tell)

        try:
            made = await self._engine.call(create)
        except StepError as exc:
            raise StepError(explained(exc.failure)) from exc
        try:
            return await self._begin(made, unit)
        except DevboxError:
            await self._remove(Ref(self.name, made))
            raise

    def _name(self, unit: Unit) -> str:
        said = container_run(unit).options.container_name
        return said or container_name(self._project, unit.key.service, unit.key.replica)

    async def _begin(self, container: str, unit: Unit) -> Observed:
        def start(client: APIClient) -> dict[str, Any]:
            client.start(container)
            run_hooks(client, container, container_run(unit).options.post_start, "post_start")
            return dict(client.inspect_container(container))

        self._starting.add(container)
        try:
            seen = self._observed(await self._engine.call(start))
        except StepError as exc:
            raise StepError(explained(exc.failure)) from exc
        finally:
            self._starting.discard(container)
        await self._copy_logs([seen])
        return seen

    async def _stop(self, step: Step, ref: Ref, unit: Unit | None) -> Observed | None:
        grace = step.grace if step.grace is not None else (unit.spec.stop.grace if unit else 10.0)

        hooks = container_run(unit).options.pre_stop if unit is not None else ()

        def stop(client: APIClient) -> dict[str, Any] | None:
            with gone_is_fine():
                if ref.id in self._paused:
                    # A frozen container gets no signal before it goes on.
                    client.unpause(ref.id)
                run_last_hooks(client, ref.id, hooks)
                if step.signal and step.signal != "SIGTERM":
                    client.kill(ref.id, step.signal)
                client.stop(ref.id, timeout=max(0, round(grace)))
                return dict(client.inspect_container(ref.id))
            return None

        self._stopping.add(ref.id)
        try:
            inspected = await self._engine.call(stop, waits=True)
        finally:
            self._stopping.discard(ref.id)
        return observed_of(inspected) if inspected is not None else None

    async def _remove(self, ref: Ref) -> None:
        await self._engine.call(lambda client: remove_container(client, ref.id))
        if (copier := self._copiers.pop(ref.id, None)) is not None:
            copier.close()

    # --- what happens by itself

    async def _watch(self) -> None:
        """Follow the engine's events. Whenever the line to it was cut, say so, and when it is back, say that too."""
        while not self._closed:
            try:
                await self._follow_events()
                await self._engine.call(lambda client: client.ping())
            except EngineUnavailable as exc:
                self._changes.put_nowait(Outage(self.name, exc.address, exc.message, exc.hint))
            except Exception:
                log.exception("following the engine's events failed")
            await asyncio.sleep(_RECONNECT_EVERY)

    async def _follow_events(self) -> None:
        """Take in the engine's events until the line is cut."""
        client = await self._engine.client()
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        filters = {"type": ["container"], "label": [f"{COMPOSE_PROJECT}={self._project}"]}

        def follow() -> None:
            try:
                self._events = client.events(filters=filters, decode=True)
                # What happened while nobody listened has to be looked for; from here on, nothing is missed.
                loop.call_soon_threadsafe(self._changes.put_nowait, Answering())
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
        if PROJECT not in labels or REPLICA not in labels:
            if action in _GONE:
                self._orphans.pop(container, None)
            return
        if action in _GONE:
            self._changes.put_nowait(Lost(Ref(self.name, container), key_of(labels)))
        elif action in _TELLING and container not in self._at_work.get(action, ()):
            self._soon(self._look_at(container))

    @property
    def _at_work(self) -> dict[str, set[str]]:
        """By event, the containers of which a step under way tells that itself: no second look is needed."""
        return {"start": self._starting, "die": self._stopping}

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look_at(self, container: str) -> None:
        with contextlib.suppress(DevboxError):
            if (seen := await self._inspect(container)) is not None:
                await self._copy_logs([seen])
                self._changes.put_nowait(seen)

    async def _copy_logs(self, seen: Collection[Observed]) -> None:
        client = await self._engine.client()
        for instance in seen:
            copier = self._copiers.get(instance.ref.id)
            if copier is None or not copier.is_done_with(None if instance.alive else instance.finished_at):
                self._copiers[instance.ref.id] = LogCopier(
                    client, instance.ref.id, self.logs(instance.key), tty=instance.ref.id in self._with_terminal
                )
