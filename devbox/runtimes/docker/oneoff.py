"""Programs beside the mesh: commands in a running container, and containers for one command."""

from __future__ import annotations

import contextlib
import secrets
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from devbox.domain.container import MountKind
from devbox.domain.spec import Port, Template, Unit
from devbox.runtimes.docker.names import (
    COMPOSE_NUMBER,
    COMPOSE_ONEOFF,
    COMPOSE_SERVICE,
    FINGERPRINT,
    REPLICA,
    SERVICE,
)
from devbox.runtimes.docker.provision import Provisioner, container_run, remove_container
from devbox.runtimes.docker.terminal import followed_size, join, plain_socket, raw_mode
from devbox.runtimes.docker.translate import Json, container_of

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a program besides its arguments. Empty fields leave what the service has."""

    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    tty: bool = False
    stdin: bool = False
    detach: bool = False
    privileged: bool = False


@dataclass(frozen=True, slots=True)
class OneOff:
    """What a person asks of a container for one command. `argv` None: the service's own command."""

    asked: Asked
    argv: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    name: str = ""
    ports: tuple[Port, ...] = ()
    service_ports: bool = False
    volumes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    use_aliases: bool = False
    remove: bool = False


def execute(client: APIClient, container: str, argv: tuple[str, ...], asked: Asked) -> int:
    """Run a command in a running container, joined to this terminal; its exit code."""
    made = client.exec_create(
        container,
        list(argv),
        stdin=asked.stdin,
        tty=asked.tty,
        user=asked.user,
        privileged=asked.privileged,
        workdir=asked.working_dir or None,
        environment=list(asked.env) or None,
    )["Id"]
    if asked.detach:
        client.exec_start(made, detach=True)
        return 0
    connection = plain_socket(client.exec_start(made, tty=asked.tty, socket=True))
    with _terminal(asked.tty, lambda height, width: client.exec_resize(made, height, width)):
        join(connection, tty=asked.tty, stdin=asked.stdin)
    return int(client.exec_inspect(made)["ExitCode"] or 0)


def run(client: APIClient, provisioner: Provisioner, unit: Unit, wanted: OneOff) -> int:
    """Run a container for one command, joined to this terminal; its exit code. Raises StepError."""
    body = one_off_body(unit, wanted, provisioner)
    name = wanted.name or f"{provisioner.around.project}-{unit.key.service}-run-{secrets.token_hex(4)}"
    container = provisioner.create(client, unit, body, name)
    if wanted.asked.detach:
        client.start(container)
        print(name)
        return 0
    try:
        return _run_attached(client, container, wanted.asked)
    finally:
        if wanted.remove:
            remove_container(client, container)


def _run_attached(client: APIClient, container: str, asked: Asked) -> int:
    parameters = {"stdin": int(asked.stdin), "stdout": 1, "stderr": 1, "stream": 1}
    connection = plain_socket(client.attach_socket(container, params=parameters))
    client.start(container)
    with (
        _stopped_by_signals(client, container),
        _terminal(asked.tty, lambda height, width: client.resize(container, height, width)),
    ):
        join(connection, tty=asked.tty, stdin=asked.stdin)
    return int(client.wait(container)["StatusCode"])


@contextlib.contextmanager
def _terminal(tty: bool, resize: Any) -> Iterator[None]:
    if not tty:
        yield
        return
    with raw_mode(), followed_size(resize):
        yield


@contextlib.contextmanager
def _stopped_by_signals(client: APIClient, container: str) -> Iterator[None]:
    """SIGINT and SIGTERM go to the container: it ends, and its exit code is told."""

    def pass_on(number: int, _: object) -> None:
        client.kill(container, number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def one_off_body(unit: Unit, wanted: OneOff, provisioner: Provisioner) -> Json:
    """The body of a one-off container: the service's own, with what was asked for on top."""
    body = container_of(_adapted(unit, wanted), provisioner.around)
    asked = wanted.asked
    labels = {k: v for k, v in body["Labels"].items() if k not in (SERVICE, REPLICA, FINGERPRINT, COMPOSE_NUMBER)}
    body["Labels"] = {**labels, COMPOSE_SERVICE: unit.key.service, COMPOSE_ONEOFF: "True", **dict(wanted.labels)}
    body |= {
        "Tty": asked.tty,
        "OpenStdin": asked.stdin,
        "StdinOnce": asked.stdin,
        "AttachStdin": asked.stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "Env": [*body["Env"], *asked.env],
        "User": asked.user or body.get("User", ""),
        "WorkingDir": asked.working_dir or body.get("WorkingDir", ""),
        "Volumes": {m.target: {} for m in container_run(unit).mounts if _is_nameless(m)},
    }
    body["HostConfig"]["Binds"] = [*body["HostConfig"].get("Binds", []), *wanted.volumes]
    if not wanted.use_aliases:
        for endpoint in body.get("NetworkingConfig", {}).get("EndpointsConfig", {}).values():
            endpoint["Aliases"] = []
    return body


def _adapted(unit: Unit, wanted: OneOff) -> Unit:
    """The unit as the one command needs it: its arguments, its ports, and no volume that a replica keeps."""
    run = container_run(unit)
    argv = run.argv if wanted.argv is None else tuple(map(Template.of, wanted.argv))
    entrypoint = run.entrypoint
    if wanted.entrypoint is not None:
        entrypoint = tuple(map(Template.of, wanted.entrypoint))
        argv = () if wanted.argv is None else argv
    ports = (*(unit.spec.ports if wanted.service_ports else ()), *wanted.ports)
    mounts = tuple(mount for mount in run.mounts if not _is_nameless(mount))
    changed = replace(run, argv=argv, entrypoint=entrypoint, mounts=mounts)
    return replace(unit, spec=replace(unit.spec, run=changed, ports=ports))


def _is_nameless(mount: Any) -> bool:
    return mount.kind is MountKind.VOLUME and not mount.source


def wants_terminal() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()
