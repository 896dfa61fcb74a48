"""A draft made into a spec: what it runs, every default applied."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from devbox.domain.container import BuildSpec, ContainerOptions, Limits
from devbox.domain.doors import door_obstacle, green_obstacle
from devbox.domain.spec import (
    ContainerRun,
    EnvVar,
    Form,
    Group,
    OnDemand,
    Port,
    Probe,
    ProcessRun,
    Reload,
    Restart,
    Run,
    ServiceSpec,
    Stop,
    TcpCheck,
)
from devbox.manifest import resources, watching
from devbox.manifest.backing import Backing
from devbox.manifest.container import FOR_PROCESSES_TOO, READERS, SILENT_FOR_PROCESSES
from devbox.manifest.draft import Draft
from devbox.manifest.health import probe
from devbox.manifest.resources import Resources
from devbox.manifest.seeding import seed_files
from devbox.manifest.values import Scope

if TYPE_CHECKING:
    from devbox.catalogue import Pieces

NOTHING_TO_RUN = "Give it an image, a build, a use or a command."


def spec(
    scope: Scope, draft: Draft, backing: Backing, declared: Resources, jobs: Collection[str]
) -> ServiceSpec | None:
    """The service, but for its needs; None with the reason in `scope.problems`. `jobs` run to their end."""
    pieces = None
    if draft.use is not None:
        pieces = backing.pieces(draft, draft.use)
        if pieces is None:
            return None
        if pieces.note:
            scope.problems.remark(pieces.note)
        run: Run | None = _overridden(pieces.run, draft)
    else:
        run = _run(scope, draft, declared.project)
    if isinstance(run, ContainerRun):
        run = _furnished(scope, draft, run, declared)
    elif run is not None:
        _note_container_keys(scope, draft)
        run = replace(run, memory=draft.limits.get("memory") or None)
    if run is None or not _ports_fit(scope, draft, run):
        return None
    made = _assembled(scope, draft, run, pieces, is_job=draft.name in jobs)
    _note_what_no_door_can_do(scope, draft, made)
    return made


def _assembled(scope: Scope, draft: Draft, run: Run, pieces: Pieces | None, *, is_job: bool) -> ServiceSpec:
    ports = _ports(draft, pieces)
    given = pieces.probe if pieces else _default_probe(ports, run, is_job=is_job)
    stop = pieces.stop if pieces else Stop()
    return ServiceSpec(
        name=draft.name,
        run=run,
        origin=draft.place.origin,
        env=_environment(draft, pieces),
        ports=ports,
        probe=probe(draft, given),
        restart=draft.restart or draft.deploy_restart or (pieces.restart if pieces else Restart()),
        stop=Stop(
            draft.stop_signal or stop.signal,
            stop.grace if draft.stop_grace is None else draft.stop_grace,
        ),
        replicas=draft.replicas,
        group=Group.JOB if is_job else pieces.group if pieces else Group.SERVICE,
        exports=pieces.exports if pieces else (),
        open_path=draft.open_path or (pieces.open.path if pieces and pieces.open else None),
        open_port=pieces.open.port if pieces and pieces.open and not draft.open_path else None,
        entry=pieces.entry if pieces else "",
        metrics=draft.metrics or (pieces.metrics if pieces else None),
        balance=draft.balance,
        seed=seed_files(scope, draft, pieces),
        made_files=pieces.made_files if pieces else (),
        console=pieces.console if pieces else (),
        tasks=tuple(draft.tasks),
        reload=draft.reload,
        on_demand=OnDemand(draft.idle_timeout) if draft.on_demand else None,
        watch=watching.rules(scope, draft, run),
        other=_other_form(draft, run, pieces),
        log_limit=draft.log_limit,
    )


def _other_form(draft: Draft, run: Run, pieces: Pieces | None) -> Form | None:
    """What can run in a container's place: the command under `local`, with the container's environment and its own."""
    if draft.local is None or not isinstance(run, ContainerRun):
        return None
    env = {var.name: var for var in _environment(draft, pieces)} | draft.local.environment
    local = ProcessRun(draft.local.command, draft.local.working_dir, memory=draft.limits.get("memory") or None)
    return Form(local, tuple(env.values()))


def _note_what_no_door_can_do(scope: Scope, draft: Draft, made: ServiceSpec) -> None:
    """Words for what is asked of a service that its ports or its data do not allow."""
    if made.reload is Reload.GREEN and (why := green_obstacle(made)):
        scope.problems.note(draft.keys["reload"], f"{draft.name} is restarted plainly: {why}")
    if made.on_demand is not None and (why := door_obstacle(made)):
        scope.problems.note(draft.keys["on_demand"], f"{draft.name} starts with the others: {why}")
    if draft.idle_timeout is not None and not draft.on_demand:
        scope.problems.note(draft.keys["idle_timeout"], f"idle_timeout of {draft.name} has no effect without on_demand")


def _run(scope: Scope, draft: Draft, project: str) -> Run | None:
    if draft.is_container:
        # What Compose calls the image that it builds for a service.
        return ContainerRun(draft.image or f"{project}-{draft.name}", draft.command or (), draft.entrypoint)
    argv = (*(draft.entrypoint or ()), *(draft.command or ()))
    if not argv:
        _nothing_to_run(scope, draft)
        return None
    if draft.runtime == "docker":
        scope.problems.add(draft.keys["runtime"], f"{draft.name} cannot run in a container: it names no image")
        return None
    return ProcessRun(argv, draft.working_dir or str(scope.base(draft.place)))


def _nothing_to_run(scope: Scope, draft: Draft) -> None:
    if draft.faulty:
        # What it would run is probably among what is wrong with it.
        return
    if "command" in draft.keys:
        scope.problems.add(draft.keys["command"], f"the command of {draft.name} is empty")
    else:
        scope.problems.add(draft.place, f"the service {draft.name} says nothing to run", NOTHING_TO_RUN)


def _overridden(run: Run, draft: Draft) -> Run:
    """A run from the catalogue, with what the manifest says about it on top."""
    if isinstance(run, ContainerRun):
        image = draft.image or run.image
        entrypoint = draft.entrypoint if draft.entrypoint is not None else run.entrypoint
        return replace(
            run, image=image, argv=run.argv if draft.command is None else draft.command, entrypoint=entrypoint
        )
    return run if draft.command is None else replace(run, argv=draft.command)


def _furnished(scope: Scope, draft: Draft, run: ContainerRun, declared: Resources) -> ContainerRun:
    """A container with everything that the manifest says of it beyond image and command."""
    resources.check_uses(scope, draft, declared)
    options = {key: value for key, value in draft.options.items() if value is not None}
    labels = {**dict(draft.file_labels), **dict(options.pop("labels", ()))}
    if options.get("pull_policy") == "refresh":
        options["pull_policy"] = _refreshed(draft)
    _check_container_name(scope, draft)
    return replace(
        run,
        mounts=tuple(draft.mounts),
        networks=tuple(draft.networks),
        files=resources.files(scope, draft, declared),
        limits=Limits(**{key: value for key, value in draft.limits.items() if value is not None}),
        options=ContainerOptions(
            **options,
            no_healthcheck=draft.no_probe,
            labels=tuple(labels.items()),
            device_requests=tuple(draft.device_requests),
        ),
        build=_build(scope, draft, declared),
    )


def _refreshed(draft: Draft) -> str:
    """`refresh` as the policy that it is with its time; without one an image is pulled where it is missing."""
    return "missing" if draft.refresh_after is None else f"every_{draft.refresh_after}s"


def _build(scope: Scope, draft: Draft, declared: Resources) -> BuildSpec | None:
    if draft.build is None or not draft.build_secrets:
        return draft.build
    found = resources.build_secrets(scope, draft.build_secrets, declared)
    return replace(draft.build, secrets=found)


def _note_container_keys(scope: Scope, draft: Draft) -> None:
    for key in draft.keys:
        if key in READERS and key not in SILENT_FOR_PROCESSES | FOR_PROCESSES_TOO:
            words = f"services.{draft.name}.{key} has no effect: {draft.name} runs as a process of this machine"
            scope.problems.note(draft.keys[key], words)


def _check_container_name(scope: Scope, draft: Draft) -> None:
    if draft.options.get("container_name") and draft.replicas > 1:
        message = f"{draft.replicas} replicas of {draft.name} cannot share one container_name"
        scope.problems.add(draft.keys["container_name"], message, "Leave container_name out.")


def _ports_fit(scope: Scope, draft: Draft, run: Run) -> bool:
    """Whether the ports can be had: a host process has no ports but the host's, replicas cannot share one."""
    before = len(scope.problems.found)
    place = draft.keys.get("ports", draft.place)
    for port in draft.ports:
        if port.published is None:
            continue
        if draft.replicas > 1:
            hint = f'Leave the host port open: "{port.target}".'
            message = f"{draft.replicas} replicas of {draft.name} cannot share the host port {port.published}"
            scope.problems.add(place, message, hint)
        elif isinstance(run, ProcessRun) and draft.use is None and port.published != port.target:
            hint = f'Write "{port.published}:{port.published}", or "{port.target}" and have devbox pick one.'
            message = f"{draft.name} runs on the host, where port {port.target} cannot appear as {port.published}"
            scope.problems.add(place, message, hint)
    return len(scope.problems.found) == before


def _ports(draft: Draft, pieces: Pieces | None) -> tuple[Port, ...]:
    """The manifest's ports; those of the catalogue stay the first ones, published as the manifest wants them."""
    if pieces is None:
        return tuple(draft.ports)
    given = {(port.target, port.protocol): port for port in draft.ports}
    known = [given.pop((port.target, port.protocol), port) for port in pieces.ports]
    return (*known, *given.values())


def _default_probe(ports: tuple[Port, ...], run: Run, *, is_job: bool) -> Probe | None:
    """A connection to the first port that takes one. Of a container nobody said that something listens there."""
    listening = [port for port in ports if port.protocol == "tcp"]
    if is_job or not listening:
        return None
    check = TcpCheck() if listening[0] is ports[0] else TcpCheck(listening[0].target)
    return Probe(check, assumed=isinstance(run, ContainerRun))


def _environment(draft: Draft, pieces: Pieces | None) -> tuple[EnvVar, ...]:
    """The catalogue's variables, then those of files, then those the manifest states itself; later ones win."""
    variables = {var.name: var for var in pieces.env} if pieces else {}
    return tuple({**variables, **draft.file_environment, **draft.environment}.values())
