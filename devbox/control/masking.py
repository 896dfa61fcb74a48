"""What a replica shall be, without the secrets in it, for whoever did not ask for them."""

from __future__ import annotations

from dataclasses import replace

from devbox.domain.spec import ContainerRun, EnvVar, Run, Template, Unit

MASK = "••••••"


def masked(unit: Unit) -> Unit:
    """A unit whose secrets cannot be read: variables, files made for it, and what it exports to others."""
    spec = unit.spec
    hidden = Template.of(MASK)
    files = tuple(replace(each, parts=(hidden,)) if each.secret else each for each in spec.made_files)
    other = (
        replace(spec.other, env=_masked(spec.other.env), run=_without_contents(spec.other.run)) if spec.other else None
    )
    run = _without_contents(spec.run)
    return replace(unit, spec=replace(spec, run=run, env=_masked(spec.env), exports=(), made_files=files, other=other))


def _without_contents(run: Run) -> Run:
    """Files that are put into a container, by what is in them no more than that something is."""
    if not isinstance(run, ContainerRun):
        return run
    hidden = (replace(each, content=MASK) if each.secret and each.content is not None else each for each in run.files)
    return replace(run, files=tuple(hidden))


def _masked(variables: tuple[EnvVar, ...]) -> tuple[EnvVar, ...]:
    return tuple(replace(each, value=Template.of(MASK)) if each.secret else each for each in variables)
