"""What a person has run in a service's place on this machine: another command, other variables, say a debugger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from devbox.domain.spec import ContainerRun, EnvVar, Form, ProcessRun, Reference, ServiceSpec, Template

_REFERENCE = re.compile(r"\$\{([\w-]+)\.([\w.-]+)\}")


@dataclass(frozen=True, slots=True)
class LocalRun:
    """How it is run: with `argv` (empty: the command it has), `env` on top of its own, in `working_dir` (absolute)."""

    argv: tuple[Template, ...] = ()
    env: tuple[EnvVar, ...] = ()
    working_dir: str = ""

    @property
    def references(self) -> Iterator[Reference]:
        """Every reference in it."""
        for template in (*self.argv, *(var.value for var in self.env)):
            yield from template.references


def template(text: str) -> Template:
    """A text in which `${web.port}` is a reference, as in a manifest."""
    parts: list[str | Reference] = []
    at = 0
    for match in _REFERENCE.finditer(text):
        parts += [text[at : match.start()], Reference(match[1], match[2])]
        at = match.end()
    return Template(tuple(part for part in (*parts, text[at:]) if part != ""))


def unknown(run: LocalRun, services: Iterable[ServiceSpec]) -> Reference | None:
    """The first reference to something that is not there."""
    exported = {service.name: service.exported for service in services}
    return next((each for each in run.references if each.export not in exported.get(each.service, ())), None)


def in_place_of(spec: ServiceSpec, run: LocalRun) -> ServiceSpec:
    """The service as a process of this machine, run so; unchanged where nothing says which command."""
    container = Form(spec.run, spec.env) if isinstance(spec.run, ContainerRun) else spec.other
    here = Form(spec.run, spec.env) if isinstance(spec.run, ProcessRun) else spec.other
    base = here.run if here is not None else ProcessRun((), "")
    if not isinstance(base, ProcessRun) or not (run.argv or base.argv):
        return spec
    env = {var.name: var for var in (*(here or Form(spec.run, spec.env)).env, *run.env)}
    made = replace(base, argv=run.argv or base.argv, working_dir=run.working_dir or base.working_dir)
    return replace(spec, run=made, env=tuple(env.values()), other=container)


def in_container(spec: ServiceSpec) -> ServiceSpec:
    """The service in its container; unchanged where it is there, or has none."""
    if spec.other is None or not isinstance(spec.other.run, ContainerRun):
        return spec
    return replace(spec, run=spec.other.run, env=spec.other.env, other=Form(spec.run, spec.env))
