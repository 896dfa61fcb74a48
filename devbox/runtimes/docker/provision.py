"""What a container needs before it can start: its image, networks and volumes, and the container itself.

Everything here blocks, and is done with the SDK's client; it serves the runtime and one-off containers alike.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from devbox.domain.container import Attachment, Hook, MountKind, NetworkSpec, VolumeSpec
from devbox.domain.errors import StepError
from devbox.domain.spec import ContainerRun, Unit
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.base import Report
from devbox.runtimes.docker.abilities import IMAGE_MOUNTS, older
from devbox.runtimes.docker.builds import Builds
from devbox.runtimes.docker.endpoint import container_proxies
from devbox.runtimes.docker.files import archive_of
from devbox.runtimes.docker.images import ensure_image, find_image
from devbox.runtimes.docker.names import COMPOSE_SERVICE, MADE, data_volume_name, project_labels, waiting_name
from devbox.runtimes.docker.translate import (
    Json,
    Surroundings,
    attachments,
    endpoint_of,
    network_of,
    volume_of,
)

if TYPE_CHECKING:
    from docker import APIClient

_NOT_FOUND, _CONFLICT = 404, 409
_REMOVAL_LIMIT = 10
_NETWORK_PAUSES = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each attempt to remove a network that may still count endpoints."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Provisioner:
    """Provides for the containers of one project. `local`: the engine sees this machine's files."""

    around: Surroundings
    environ: Mapping[str, str]
    local: bool
    builds: Builds = field(default_factory=Builds)
    _volumes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    # --- images

    def image(self, client: APIClient, unit: Unit, report: Report) -> None:
        """Have the image here: built where the manifest says how and it is not, else pulled by its policy."""
        run = container_run(unit)
        if run.build is None:
            ensure_image(client, run.image, run.options.pull_policy, run.options.platform, self.environ, report)
        elif run.options.pull_policy == "build" or find_image(client, run.image) is None:
            self.build(client, unit, report)
        for mount in run.mounts:
            if mount.kind is MountKind.IMAGE:
                _check_image_mounts(client, mount.source)
                ensure_image(client, mount.source, "missing", run.options.platform, self.environ, report)

    def build(self, client: APIClient, unit: Unit, report: Report) -> None:
        """Build the image of a service that says how. Raises StepError with the failing step and its output."""
        run = container_run(unit)
        if run.build is not None:
            labels = {**project_labels(self.around.project), COMPOSE_SERVICE: unit.key.service}
            platform = run.options.platform
            build = replace(run.build, platforms=(platform,)) if platform else run.build
            self.builds.build(client, build, run.image, labels, self.environ, report)

    def image_volumes(self, client: APIClient, image: str) -> tuple[str, ...]:
        """The paths for which an image wants volumes."""
        if image not in self._volumes:
            found = find_image(client, image)
            self._volumes[image] = found.volumes if found else ()
        return self._volumes[image]

    def images_changed(self) -> None:
        """Images may no longer be what they were."""
        self._volumes.clear()

    # --- networks and volumes

    def network(self, client: APIClient, key: str) -> None:
        """Have the network with this key of the manifest."""
        spec = self.around.networks.get(key) or NetworkSpec(key, self.around.network(key))
        if any(each["Name"] == spec.name for each in client.networks(names=[spec.name])):
            return
        if spec.external:
            words = f"network {spec.name} is external, and there is none of that name"
            raise StepError(Failure(FailureKind.ENGINE, words, f"`docker network create {spec.name}` makes it."))
        body = network_of(spec, project_labels(self.around.project))
        client._result(client._post_json(client._url("/networks/create"), data=body), json=True)

    def storage(self, client: APIClient, unit: Unit) -> None:
        """Have the volumes of a service, and what it binds of the host."""
        run = container_run(unit)
        for spec in self._volumes_of(unit, run):
            if not spec.external:
                # A volume that is there already keeps the labels that it was made with.
                body = volume_of(spec, {**project_labels(self.around.project), MADE: uuid.uuid4().hex})
                client.create_volume(body["Name"], body["Driver"], body["DriverOpts"], body["Labels"])
            elif not client.volumes(filters={"name": [f"^{spec.name}$"]})["Volumes"]:
                words = f"volume {spec.name} is external, and there is none of that name"
                raise StepError(Failure(FailureKind.ENGINE, words, f"`docker volume create {spec.name}` makes it."))
        _check_external(run)
        if self.local:
            _check_files(run)
            _make_bind_sources(run)

    def remove_storage(self, client: APIClient, unit: Unit) -> None:
        """Remove the volumes of a service; those that are not ours to make are not ours to remove."""
        for spec in self._volumes_of(unit, container_run(unit)):
            if not spec.external:
                with gone_is_fine():
                    client.remove_volume(spec.name)

    def _volumes_of(self, unit: Unit, run: ContainerRun) -> list[VolumeSpec]:
        keys = {m.source for m in run.mounts if m.kind is MountKind.VOLUME and m.source}
        specs = [self.around.volumes.get(key) or VolumeSpec(key, self.around.volume(key)) for key in sorted(keys)]
        if run.data_volume is not None:
            name = data_volume_name(self.around.project, unit.key.service)
            specs.append(VolumeSpec(f"{unit.key.service}-data", name))
        return specs

    # --- the container

    def create(self, client: APIClient, unit: Unit, body: Json, name: str, report: Report | None = None) -> str:
        """Create a container, on all its networks, with its secrets and configs in it; its id.

        What the engine leaves out because its kernel has it not is reported.
        """
        run = container_run(unit)
        body = _with_proxies(body, container_proxies(self.environ))
        made = client.create_container_from_config(body, name, run.options.platform or None)
        container = str(made["Id"])
        for warning in made.get("Warnings") or ():
            if report is not None:
                report(f"note: {warning}", None, None)
        try:
            for attachment in attachments(run)[1:]:
                self._connect(client, container, unit, attachment)
            if archive := archive_of(run.files):
                client.put_archive(container, "/", archive)
        except Exception:
            remove_container(client, container)
            raise
        return container

    def _connect(self, client: APIClient, container: str, unit: Unit, attachment: Attachment) -> None:
        body = {"Container": container, "EndpointConfig": endpoint_of(unit, attachment, self.around)}
        url = client._url("/networks/{0}/connect", self.around.network(attachment.network))
        client._raise_for_status(client._post_json(url, data=body))


def container_run(unit: Unit) -> ContainerRun:
    """What a unit runs, where that is a container."""
    if not isinstance(unit.spec.run, ContainerRun):
        raise TypeError(f"{unit.key} is no container")
    return unit.spec.run


def _check_image_mounts(client: APIClient, image: str) -> None:
    """An engine that cannot mount an image would say no more than that it does not know the type."""
    if older(str(client.api_version), IMAGE_MOUNTS):
        words = (
            f"the engine cannot mount the image {image}: its API is {client.api_version}, {IMAGE_MOUNTS} has it first"
        )
        raise StepError(Failure(FailureKind.ENGINE, words, "Use a newer engine, or a volume of another type."))


def _check_external(run: ContainerRun) -> None:
    for file in run.files:
        if file.external:
            kind = "secret" if file.secret else "config"
            words = f"the {kind} {file.source} is external, and an engine without a swarm has none"
            raise StepError(Failure(FailureKind.ENGINE, words, "Give it a file, an environment variable or content."))


def _check_files(run: ContainerRun) -> None:
    for file in run.files:
        if file.file is not None and not os.path.exists(file.file):
            kind = "secret" if file.secret else "config"
            words = f"the file of the {kind} {file.source} is missing: {file.file}"
            raise StepError(Failure(FailureKind.DIRECTORY_MISSING, words, f"Create it, or mend `file` of the {kind}."))


def _make_bind_sources(run: ContainerRun) -> None:
    """Missing host paths of bind mounts are made, as Compose does; one that must be there and is not is said."""
    for mount in run.mounts:
        if mount.kind is not MountKind.BIND or os.path.exists(mount.source):
            continue
        if not mount.create:
            words = f"bind mount: {mount.source} does not exist"
            raise StepError(Failure(FailureKind.DIRECTORY_MISSING, words, "Create it, or mend `volumes`."))
        try:
            os.makedirs(mount.source, exist_ok=True)
        except OSError as exc:
            words = f"bind mount: {mount.source} cannot be made: {exc.strerror}"
            raise StepError(Failure(FailureKind.DIRECTORY_MISSING, words, "Create it, or mend `volumes`.")) from exc


@contextlib.contextmanager
def gone_is_fine() -> Iterator[None]:
    """What is no longer there need not be stopped, removed or looked at."""
    import docker.errors

    with contextlib.suppress(docker.errors.NotFound):
        yield


def remove_container(client: APIClient, container: str) -> None:
    """Remove a container; where somebody else is removing it, wait until that is done."""
    import docker.errors

    with gone_is_fine():
        try:
            client.remove_container(container, v=True, force=True)
        except docker.errors.APIError as exc:
            if exc.status_code != _CONFLICT:
                raise
            client.wait(container, timeout=_REMOVAL_LIMIT, condition="removed")


def remove_network(client: APIClient, name: str) -> Failure | None:
    """Remove a network; why it is still there, in the engine's words, where that goes on refusing.

    An engine under load takes a moment to see that the last container has left.
    """
    import docker.errors

    refusal = ""
    for pause in _NETWORK_PAUSES:
        time.sleep(pause)
        try:
            with gone_is_fine():
                client.remove_network(name)
            return None
        except docker.errors.APIError as exc:
            refusal = str(exc.explanation or exc)
    hint = f"`docker network rm {name}` when the engine lets go of it; some do so only after a restart."
    return Failure(FailureKind.ENGINE, f"network {name} is still there: {refusal}", hint)


def free_name(client: APIClient, name: str) -> str:
    """`name`, or the name of one that waits to take over from the container that has it."""
    with gone_is_fine():
        client.inspect_container(name)
        return waiting_name(name)
    return name


def take_over_name(client: APIClient, name: str) -> None:
    """Give a container's name to the one that took over from it, if one did and the name is free."""
    import docker.errors

    try:
        client.rename(waiting_name(name), name)
    except docker.errors.APIError as exc:
        if exc.status_code not in (_CONFLICT, _NOT_FOUND):
            raise


def run_hooks(client: APIClient, container: str, hooks: Iterable[Hook], name: str) -> None:
    """Run `post_start` or `pre_stop` commands in a container. Raises StepError where one fails."""
    for hook in hooks:
        made = client.exec_create(
            container,
            list(hook.command),
            user=hook.user,
            privileged=hook.privileged,
            workdir=hook.working_dir or None,
            environment=dict(hook.environment) or None,
        )
        output = client.exec_start(made["Id"]).decode("utf-8", "replace")
        if code := client.exec_inspect(made["Id"])["ExitCode"]:
            words = f"{name} hook {hook.command[0]} exited with {code}"
            raise StepError(Failure(FailureKind.INIT_FAILED, words, tail=tuple(output.splitlines()[-20:])))


def run_last_hooks(client: APIClient, container: str, hooks: Iterable[Hook]) -> None:
    """Run `pre_stop` commands; one that fails must not keep a container from being stopped."""
    import docker.errors

    try:
        run_hooks(client, container, hooks, "pre_stop")
    except (StepError, docker.errors.APIError) as exc:
        log.warning("pre_stop of %s: %s", container[:12], exc)


def _with_proxies(body: Json, proxies: Mapping[str, str]) -> Json:
    """A container's description with the proxies of the user's Docker configuration, where it says nothing of them."""
    env = list(body.get("Env") or ())
    own = {each.partition("=")[0] for each in env}
    return {**body, "Env": [*(f"{name}={value}" for name, value in proxies.items() if name not in own), *env]}
