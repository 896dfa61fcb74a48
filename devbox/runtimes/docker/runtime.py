"""The runtime of containers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import threading
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from devbox.domain.container import Attachment, Hook, MountKind, NetworkSpec, VolumeSpec
from devbox.domain.errors import DevboxError, EngineUnavailable, StepError
from devbox.domain.instance import Observed, Ref, Sample
from devbox.domain.places import Places
from devbox.domain.spec import AppSpec, ContainerRun, Unit, UnitKey
from devbox.domain.status import Failure, FailureKind
from devbox.domain.step import Op, Step
from devbox.runtimes.base import Change, ExecResult, LogFiles, Lost, Report
from devbox.runtimes.docker.builds import build_image
from devbox.runtimes.docker.engine import EngineLink, explained
from devbox.runtimes.docker.files import archive_of
from devbox.runtimes.docker.images import ensure_image, find_image
from devbox.runtimes.docker.logs import LogCopier
from devbox.runtimes.docker.names import (
    ANONYMOUS,
    COMPOSE_SERVICE,
    PROJECT,
    REPLICA,
    container_name,
    data_volume_name,
    project_labels,
)
from devbox.runtimes.docker.sight import key_of, observed_of
from devbox.runtimes.docker.translate import (
    Surroundings,
    attachments,
    container_of,
    endpoint_of,
    network_of,
    volume_of,
)

if TYPE_CHECKING:
    from docker import APIClient

_RECONNECT_EVERY = 1.0
_CONFLICT = 409
_REMOVAL_LIMIT = 10

log = logging.getLogger(__name__)


class DockerRuntime:
    """Runs units whose `run` is a ContainerRun."""

    name = "docker"

    def __init__(self, places: Places, environ: Mapping[str, str]) -> None:
        self._places, self._project = places, places.project
        self._engine = EngineLink(environ)
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._environ = dict(environ)
        self._around = Surroundings(self._project, None)
        self._making = asyncio.Lock()
        self._networks: set[str] = set()
        self._image_locks: dict[str, asyncio.Lock] = {}
        self._image_volumes: dict[str, tuple[str, ...]] = {}
        self._with_terminal: set[str] = set()
        self._copiers: dict[str, LogCopier] = {}
        self._samples: dict[Ref, tuple[float, float]] = {}
        self._events: Any = None
        self._looking: set[asyncio.Task[None]] = set()
        self._closed = False

    def learn(self, app: AppSpec) -> None:
        self._around = Surroundings(self._project, app)
        self._networks.clear()

    async def observe(self) -> tuple[Observed, ...]:
        there = await self._engine.call(lambda client: client.containers(all=True, filters=self._replicas))
        found = await asyncio.gather(*(self._inspect(each["Id"]) for each in there))
        seen = tuple(each for each in found if each is not None)
        await self._copy_logs(seen)
        return seen

    @property
    def _replicas(self) -> dict[str, list[str]]:
        """Which containers are replicas of services; those of `run` are not."""
        return {"label": [f"{PROJECT}={self._project}", REPLICA]}

    async def _inspect(self, container: str) -> Observed | None:
        def look(client: APIClient) -> dict[str, Any] | None:
            with _gone_is_fine():
                return dict(client.inspect_container(container))
            return None

        inspected = await self._engine.call(look)
        return self._observed(inspected) if inspected is not None else None

    def _observed(self, inspected: dict[str, Any]) -> Observed:
        if inspected["Config"].get("Tty"):
            self._with_terminal.add(inspected["Id"])
        return observed_of(inspected)

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

    async def pause(self, ref: Ref, *, paused: bool) -> bool:
        try:
            await self._engine.call(lambda client: client.pause(ref.id) if paused else client.unpause(ref.id))
        except StepError:
            return False
        return True

    async def outdated(self, units: Collection[Unit]) -> Mapping[Ref, str]:
        """Containers whose image is no longer what its name stands for. Two calls, however many there are."""
        self._image_volumes.clear()
        images = {str(unit.key): _container(unit).image for unit in units}

        def look(client: APIClient) -> dict[Ref, str]:
            current = {tag: each["Id"] for each in client.images() for tag in each["RepoTags"] or ()}
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
            return pools[0].get("Gateway") or None

        try:
            return await self._engine.call(ask)
        except DevboxError:
            return None

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
        """Remove the project's networks, one-off containers and nameless volumes, and with `volumes` the others too."""
        filters = {"label": [f"{PROJECT}={self._project}"]}
        nameless = {"label": [f"{PROJECT}={self._project}", f"{ANONYMOUS}=true"]}

        def remove(client: APIClient) -> None:
            for container in client.containers(all=True, filters=filters):
                _remove_container(client, container["Id"])
            for network in client.networks(filters=filters):
                with _gone_is_fine():
                    client.remove_network(network["Id"])
            for volume in client.volumes(filters=filters if volumes else nameless)["Volumes"] or []:
                with _gone_is_fine():
                    client.remove_volume(volume["Name"])

        await self._engine.call(remove, waits=True)

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

        def image(client: APIClient) -> None:
            if run.build is not None and (run.options.pull_policy == "build" or find_image(client, run.image) is None):
                labels = {**project_labels(self._project), COMPOSE_SERVICE: unit.key.service}
                build_image(client, run.build, run.image, labels, self._environ, tell)
            elif run.build is None:
                ensure_image(client, run.image, run.options.pull_policy, run.options.platform, tell)

        # Builds of one image by several services wait for each other; the later ones find it there.
        async with self._image_locks.setdefault(run.image, asyncio.Lock()):
            await self._engine.call(image, waits=True)
        await self._ensure_networks(run)
        await self._ensure_volumes(unit, run)

    async def _ensure_networks(self, run: ContainerRun) -> None:
        """The networks a container is on; each made once, however many services ask for it at once."""
        async with self._making:
            for key in {attachment.network for attachment in attachments(run)} - self._networks:
                spec = self._around.networks.get(key) or NetworkSpec(key, self._around.network(key))
                await self._engine.call(functools.partial(self._ensure_network, spec))
                self._networks.add(key)

    def _ensure_network(self, spec: NetworkSpec, client: APIClient) -> None:
        if any(each["Name"] == spec.name for each in client.networks(names=[spec.name])):
            return
        if spec.external:
            words = f"network {spec.name} is external, and there is none of that name"
            raise StepError(Failure(FailureKind.ENGINE, words, f"`docker network create {spec.name}` makes it."))
        client._result(
            client._post_json(client._url("/networks/create"), data=network_of(spec, project_labels(self._project))),
            json=True,
        )

    async def _ensure_volumes(self, unit: Unit, run: ContainerRun) -> None:
        labels = project_labels(self._project)
        keys = {m.source for m in run.mounts if m.kind is MountKind.VOLUME and m.source}
        specs = [self._around.volumes.get(key) or VolumeSpec(key, self._around.volume(key)) for key in sorted(keys)]
        if run.data_volume is not None:
            name = data_volume_name(self._project, unit.key.service)
            specs.append(VolumeSpec(f"{unit.key.service}-data", name))

        def ensure(client: APIClient) -> None:
            for spec in specs:
                if not spec.external:
                    body = volume_of(spec, labels)
                    client.create_volume(body["Name"], body["Driver"], body["DriverOpts"], body["Labels"])
                elif not client.volumes(filters={"name": [f"^{spec.name}$"]})["Volumes"]:
                    words = f"volume {spec.name} is external, and there is none of that name"
                    raise StepError(Failure(FailureKind.ENGINE, words, f"`docker volume create {spec.name}` makes it."))
            if self._engine.endpoint.socket is not None:
                _make_bind_sources(run)

        if specs or run.mounts or run.files:
            await self._engine.call(ensure)

    async def _start(self, step: Step, unit: Unit) -> Observed:
        if step.ref is not None and step.ref.runtime == self.name:
            with contextlib.suppress(StepError):
                return await self._begin(step.ref.id, unit)
            await self._remove(step.ref)
        run = _container(unit)
        await self._ensure_networks(run)
        body = container_of(unit, self._around, await self._volumes_of(run.image))
        name = run.options.container_name or container_name(self._project, unit.key.service, unit.key.replica)
        archive = archive_of(run.files)

        def create(client: APIClient) -> str:
            container = str(client.create_container_from_config(body, name, run.options.platform or None)["Id"])
            for attachment in attachments(run)[1:]:
                self._connect(client, container, unit, attachment)
            if archive:
                client.put_archive(container, "/", archive)
            return container

        made = await self._engine.call(create)
        try:
            return await self._begin(made, unit)
        except DevboxError:
            await self._remove(Ref(self.name, made))
            raise

    async def _volumes_of(self, image: str) -> tuple[str, ...]:
        """The paths for which an image wants volumes."""
        if image not in self._image_volumes:
            found = await self._engine.call(lambda client: find_image(client, image))
            self._image_volumes[image] = found.volumes if found else ()
        return self._image_volumes[image]

    def _connect(self, client: APIClient, container: str, unit: Unit, attachment: Attachment) -> None:
        body = {"Container": container, "EndpointConfig": endpoint_of(unit, attachment)}
        url = client._url("/networks/{0}/connect", self._around.network(attachment.network))
        client._raise_for_status(client._post_json(url, data=body))

    async def _begin(self, container: str, unit: Unit) -> Observed:
        def start(client: APIClient) -> dict[str, Any]:
            client.start(container)
            for hook in _container(unit).options.post_start:
                _run_hook(client, container, hook, "post_start")
            return dict(client.inspect_container(container))

        try:
            seen = self._observed(await self._engine.call(start))
        except StepError as exc:
            raise StepError(explained(exc.failure)) from exc
        await self._copy_logs([seen])
        return seen

    async def _stop(self, step: Step, ref: Ref, unit: Unit | None) -> Observed | None:
        grace = step.grace if step.grace is not None else (unit.spec.stop.grace if unit else 10.0)

        hooks = _container(unit).options.pre_stop if unit is not None else ()

        def stop(client: APIClient) -> dict[str, Any] | None:
            with _gone_is_fine():
                _thaw(client, ref.id)
                for hook in hooks:
                    _run_hook_if_it_can_be(client, ref.id, hook)
                if step.signal and step.signal != "SIGTERM":
                    client.kill(ref.id, step.signal)
                client.stop(ref.id, timeout=max(0, round(grace)))
                return dict(client.inspect_container(ref.id))
            return None

        inspected = await self._engine.call(stop, waits=True)
        return observed_of(inspected) if inspected is not None else None

    async def _remove(self, ref: Ref) -> None:
        await self._engine.call(lambda client: _remove_container(client, ref.id))
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
        filters = {"type": ["container"], **self._replicas}

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
        elif action in ("die", "oom", "start", "pause", "unpause", "restart", "health_status"):
            self._soon(self._look_at(container))

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
            if instance.alive and (copier is None or not copier.running):
                self._copiers[instance.ref.id] = LogCopier(
                    client, instance.ref.id, self.logs(instance.key), tty=instance.ref.id in self._with_terminal
                )

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


def _remove_container(client: APIClient, container: str) -> None:
    """Remove a container; where somebody else is removing it, wait until that is done."""
    import docker.errors

    with _gone_is_fine():
        try:
            client.remove_container(container, v=True, force=True)
        except docker.errors.APIError as exc:
            if exc.status_code != _CONFLICT:
                raise
            client.wait(container, timeout=_REMOVAL_LIMIT, condition="removed")


def _container(unit: Unit) -> ContainerRun:
    if not isinstance(unit.spec.run, ContainerRun):
        raise TypeError(f"{unit.key} is no container")
    return unit.spec.run


def _make_bind_sources(run: ContainerRun) -> None:
    """Missing host paths of bind mounts are made, as Compose does; one that must be there and is not is said."""
    for file in run.files:
        if file.file is not None and not os.path.exists(file.file):
            kind = "secret" if file.secret else "config"
            words = f"the file of the {kind} {file.source} is missing: {file.file}"
            raise StepError(Failure(FailureKind.DIRECTORY_MISSING, words, f"Create it, or mend `file` of the {kind}."))
    for mount in run.mounts:
        if mount.kind is not MountKind.BIND or os.path.exists(mount.source):
            continue
        if not mount.create:
            words = f"bind mount: {mount.source} does not exist"
            raise StepError(Failure(FailureKind.DIRECTORY_MISSING, words, "Create it, or mend `volumes`."))
        os.makedirs(mount.source, exist_ok=True)


def _thaw(client: APIClient, container: str) -> None:
    """A frozen container gets no signal before it goes on."""
    if client.inspect_container(container)["State"].get("Paused"):
        client.unpause(container)


def _run_hook(client: APIClient, container: str, hook: Hook, name: str) -> None:
    made = client.exec_create(
        container,
        list(hook.command),
        user=hook.user,
        privileged=hook.privileged,
        workdir=hook.working_dir or None,
        environment=dict(hook.environment) or None,
    )
    output = client.exec_start(made["Id"]).decode("utf-8", "replace")
    code = client.exec_inspect(made["Id"])["ExitCode"]
    if code:
        words = f"{name} hook {hook.command[0]} exited with {code}"
        raise StepError(Failure(FailureKind.INIT_FAILED, words, tail=tuple(output.splitlines()[-20:])))


def _run_hook_if_it_can_be(client: APIClient, container: str, hook: Hook) -> None:
    """A `pre_stop` hook that fails must not keep a container from being stopped."""
    import docker.errors

    try:
        _run_hook(client, container, hook, "pre_stop")
    except (StepError, docker.errors.APIError) as exc:
        log.warning("pre_stop of %s: %s", container[:12], exc)
