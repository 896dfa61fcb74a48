"""What services say about one another: references, needs, cycles, and what becomes of those left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from devbox.domain.graph import find_cycle
from devbox.domain.spec import (
    ContainerRun,
    EnvVar,
    Need,
    ProcessRun,
    Reference,
    Run,
    ServiceSpec,
    Template,
    Until,
)
from devbox.manifest.draft import Draft
from devbox.manifest.source import Place, Problems, nearest


def templates(service: ServiceSpec) -> Iterator[Template]:
    """Every template of a service that is resolved from its own standpoint."""
    yield from service.run.argv
    if isinstance(service.run, ProcessRun):
        for command in service.run.init:
            yield from command.argv
    else:
        yield from service.run.entrypoint or ()
    yield from (var.value for var in service.env)
    if service.other is not None:
        yield from service.other.run.argv
        yield from (var.value for var in service.other.env)
    yield from (part for file in service.made_files for part in file.parts if isinstance(part, Template))
    if service.probe is not None:
        yield from service.probe.templates


def exports(service: ServiceSpec) -> tuple[str, ...]:
    """What can stand after the dot in a reference to a service."""
    return service.exported


def check(uses: Iterable[tuple[Reference, Place]], services: Mapping[str, ServiceSpec], problems: Problems) -> None:
    """Every reference must name something that its service exports."""
    for reference, place in uses:
        target = services.get(reference.service)
        if target is None or reference.export in (valid := exports(target)):
            continue
        message = f"{reference.service} does not export {reference.export}"
        hint = nearest(reference.export, valid) if valid else f"{reference.service} has no ports: give it one."
        problems.add(place, message, hint)


def needs(draft: Draft, service: ServiceSpec) -> tuple[Need, ...]:
    """The dependencies stated, and READY for every other service that is referred to."""
    found = {name: dependency.need for name, dependency in draft.depends_on.items()}
    for template in templates(service):
        for reference in template.references:
            if reference.service != service.name:
                found.setdefault(reference.service, Need(reference.service))
    for name in implied(service):
        found.setdefault(name, Need(name, Until.STARTED))
    if service.balance is not None:
        found.setdefault(service.balance.service, Need(service.balance.service))
    return tuple(found.values())


def implied(service: ServiceSpec) -> Iterator[str]:
    """The services that a container must find running, as it shares a part of theirs or is linked to them."""
    if not isinstance(service.run, ContainerRun):
        return
    options = service.run.options
    for mode in (options.network_mode, options.ipc, options.pid):
        if mode.startswith("service:"):
            yield mode.removeprefix("service:")
    for link in options.links:
        yield link.partition(":")[0]
    for volume in options.volumes_from:
        if not volume.startswith("container:"):
            yield volume.partition(":")[0]


def with_needs(draft: Draft, service: ServiceSpec) -> ServiceSpec:
    """The service with its needs."""
    return replace(service, needs=needs(draft, service))


def check_dependencies(
    drafts: Mapping[str, Draft], known: Iterable[str], inactive: Mapping[str, Draft], problems: Problems
) -> None:
    """Every dependency must be a service of the mesh, unless it is not required."""
    names = set(known)
    for draft in drafts.values():
        for name, dependency in draft.depends_on.items():
            if name == draft.name:
                problems.add(dependency.place, f"{name} cannot depend on itself")
            elif name in inactive and dependency.need.required:
                profile = inactive[name].profiles[0]
                message = f"{draft.name} depends on {name}, whose profile is not active"
                problems.add(dependency.place, message, f"Add --profile {profile}, or `required: false`.")
            elif name not in names and name not in inactive and dependency.need.required:
                problems.add(dependency.place, f"there is no service {name}", nearest(name, names - {draft.name}))


def check_implied(drafts: Mapping[str, Draft], services: Mapping[str, ServiceSpec], problems: Problems) -> None:
    """A service whose network, volumes or the like another shares must be there."""
    for service in services.values():
        for name in implied(service):
            if name not in drafts:
                draft = drafts[service.name]
                keys = ("network_mode", "ipc", "pid", "links", "volumes_from")
                place = next((p for k in keys if k in draft.keys and (p := draft.keys[k])), draft.place)
                problems.add(place, f"there is no service {name} for {service.name}", nearest(name, drafts))


def check_cycles(drafts: Mapping[str, Draft], services: Mapping[str, ServiceSpec], problems: Problems) -> None:
    """No service may wait for itself."""
    graph = {
        name: [need.service for need in service.needs if need.service in services and need.service != name]
        for name, service in services.items()
    }
    while cycle := find_cycle(graph):
        first, second = cycle[0], cycle[1]
        stated = drafts[first].depends_on.get(second)
        place = stated.place if stated else drafts[first].place
        hint = "" if stated else f"{first} refers to {second}, and so waits for it."
        problems.add(place, f"services wait for one another: {' -> '.join(cycle)}", hint)
        graph[first] = [name for name in graph[first] if name != second]


def without(service: ServiceSpec, gone: Mapping[str, str], note: Callable[[str], None]) -> ServiceSpec:
    """A service with nothing left of those that are `gone` (by name, and why): no needs, and empty references."""

    def fill(template: Template) -> Template:
        if not any(reference.service in gone for reference in template.references):
            return template
        return Template(
            tuple("" if isinstance(part, Reference) and part.service in gone else part for part in template.parts)
        )

    def variable(var: EnvVar) -> EnvVar:
        for reference in var.value.references:
            if reference.service in gone:
                note(f"{reference} in {service.name}.{var.name} is empty: {gone[reference.service]}")
        return replace(var, value=fill(var.value))

    kept = tuple(need for need in service.needs if need.service not in gone)
    env = tuple(map(variable, service.env))
    probe = service.probe.filled(fill) if service.probe is not None else None
    return replace(service, needs=kept, env=env, run=_fill_run(service.run, fill), probe=probe)


def _fill_run(run: Run, fill: Callable[[Template], Template]) -> Run:
    return replace(run, argv=tuple(map(fill, run.argv)))


def completed(drafts: Iterable[Draft]) -> frozenset[str]:
    """The services that some other waits for until they have run to their end."""
    return frozenset(
        name
        for draft in drafts
        for name, dependency in draft.depends_on.items()
        if dependency.need.until is Until.COMPLETED
    )


def hide_secrets(service: ServiceSpec, secret: Mapping[str, frozenset[str]]) -> ServiceSpec:
    """The service with every variable marked secret into which an export flows that holds a password."""
    env = tuple(
        replace(var, secret=True)
        if not var.secret and any(ref.export in secret.get(ref.service, ()) for ref in var.value.references)
        else var
        for var in service.env
    )
    return replace(service, env=env)
