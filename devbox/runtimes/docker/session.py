"""The engine as commands use it that do not go through a supervisor: one after the other, each call to its end."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devbox.domain.spec import AppSpec, Unit
from devbox.runtimes.base import Report
from devbox.runtimes.docker import copying, images, oneoff
from devbox.runtimes.docker.endpoint import endpoint
from devbox.runtimes.docker.engine import connect, disconnect, errors_in_words, is_podman
from devbox.runtimes.docker.names import ANONYMOUS, COMPOSE_PROJECT, COMPOSE_SERVICE, PROJECT, REPLICA, is_orphan
from devbox.runtimes.docker.oneoff import Asked, OneOff
from devbox.runtimes.docker.provision import Provisioner, container_run, gone_is_fine, remove_container
from devbox.runtimes.docker.translate import Surroundings, attachments

if TYPE_CHECKING:
    from docker import APIClient

_COLUMNS_OF_PODMAN = "user,pid,ppid,pcpu,etime,tty,time,args"
"""What `top` tells there. Left to itself, Podman looks for a `ps` in the container."""


@dataclass(frozen=True, slots=True)
class UsedImage:
    """The image of one container. `size` is bytes, `created` seconds since the epoch."""

    container: str
    service: str
    repository: str
    tag: str
    id: str
    size: int
    created: float


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the project. `key` is its name in the manifest, if it has one there."""

    name: str
    driver: str
    key: str
    anonymous: bool


class EngineSession:
    """A connection to the engine for one command."""

    def __init__(self, client: APIClient, project: str, environ: Mapping[str, str], *, local: bool) -> None:
        self._client, self._project = client, project
        self._provisioner = Provisioner(Surroundings(project, None), environ, local)

    def learn(self, app: AppSpec) -> None:
        """Take note of the manifest's networks and volumes."""
        self._provisioner.around = Surroundings(self._project, app)

    # --- looking

    def images(self) -> list[UsedImage]:
        """The images that the project's containers were made from."""
        sizes: dict[str, Any] = {each["Id"]: each for each in self._client.images()}
        found = []
        for container in self._client.containers(all=True, filters=self._mine(REPLICA)):
            repository, tag = images.split(container["Image"])
            about = sizes.get(container["ImageID"]) or {}
            found.append(
                UsedImage(
                    container=container["Names"][0].lstrip("/"),
                    service=container["Labels"].get(COMPOSE_SERVICE, ""),
                    repository=repository,
                    tag=tag,
                    id=container["ImageID"].removeprefix("sha256:")[:12],
                    size=int(about.get("Size", 0)),
                    created=float(about.get("Created", 0)),
                )
            )
        return sorted(found, key=lambda each: each.container)

    def volumes(self) -> list[Volume]:
        """The project's volumes."""
        found = self._client.volumes(filters=self._mine())["Volumes"] or []
        return sorted(
            (
                Volume(
                    each["Name"],
                    each["Driver"],
                    each["Labels"].get("com.docker.compose.volume", ""),
                    ANONYMOUS in each["Labels"],
                )
                for each in found
            ),
            key=lambda volume: volume.name,
        )

    def top(self, container: str) -> tuple[list[str], list[list[str]]]:
        """The processes of a container: titles, and a row for each."""
        said = self._client.top(container, _COLUMNS_OF_PODMAN if is_podman(self._client) else None)
        return list(said["Titles"]), [list(row) for row in said["Processes"] or ()]

    # --- images

    def pull(self, name: str, platform: str, report: Report) -> None:
        images.pull(self._client, name, platform, self._provisioner.environ, report)

    def push(self, name: str, report: Report) -> None:
        images.push(self._client, name, self._provisioner.environ, report)

    def ensure(self, unit: Unit, report: Report) -> None:
        """Have the image of a unit here, by its pull policy."""
        self._provisioner.image(self._client, unit, report)

    def build(self, unit: Unit, report: Report) -> None:
        self._provisioner.build(self._client, unit, report)

    def end_builds(self) -> None:
        """End the builds that other threads have under way."""
        self._provisioner.builds.close()

    def remove_images(self, names: Collection[str]) -> list[str]:
        """Remove images; those that were there."""
        removed = []
        for name in names:
            with gone_is_fine():
                self._client.remove_image(name)
                removed.append(name)
        return removed

    # --- programs and files

    def execute(self, container: str, argv: tuple[str, ...], asked: Asked) -> int:
        """Run a command in a container; its exit code."""
        return oneoff.execute(self._client, container, argv, asked)

    def run(self, unit: Unit, wanted: OneOff, report: Report) -> int:
        """Run a container for one command, with all that it needs; its exit code."""
        self._provisioner.image(self._client, unit, report)
        for attachment in attachments(container_run(unit)):
            self._provisioner.network(self._client, attachment.network)
        self._provisioner.storage(self._client, unit)
        return oneoff.run(self._client, self._provisioner, unit, wanted)

    def copy_from(self, container: str, path: str, target: str, *, follow: bool) -> None:
        copying.copy_from(self._client, container, path, target, follow=follow)

    def copy_to(self, container: str, source: str, path: str, *, follow: bool) -> None:
        copying.copy_to(self._client, container, source, path, follow=follow)

    # --- removing

    def remove_remains(self) -> None:
        """Remove whatever bears the project's label: what a mesh left that is no longer up."""
        for container in self._client.containers(all=True, filters=self._mine()):
            remove_container(self._client, container["Id"])
        for network in self._client.networks(filters=self._mine()):
            with gone_is_fine():
                self._client.remove_network(network["Id"])
        for volume in self._client.volumes(filters=self._mine())["Volumes"] or []:
            with gone_is_fine():
                self._client.remove_volume(volume["Name"])

    def remove_orphans(self) -> list[str]:
        """Remove the project's containers that belong to none of its services; their names."""
        removed = []
        for each in self._client.containers(all=True, filters={"label": [f"{COMPOSE_PROJECT}={self._project}"]}):
            if is_orphan(each["Labels"], each["State"]):
                remove_container(self._client, each["Id"])
                removed.append(each["Names"][0].lstrip("/"))
        return removed

    def _mine(self, *labels: str) -> dict[str, list[str]]:
        return {"label": [f"{PROJECT}={self._project}", *labels]}


@contextmanager
def engine_session(project: str, environ: Mapping[str, str]) -> Iterator[EngineSession]:
    """A session, as long as it is needed. Raises EngineUnavailable and StepError, in words."""
    where = endpoint(environ)
    with errors_in_words(where):
        client = connect(where)
        try:
            yield EngineSession(client, project, environ, local=where.socket is not None)
        finally:
            disconnect(client)
