"""What a replica shall be, without the secrets in it, for whoever did not ask for them."""

from __future__ import annotations

from dataclasses import replace

from devbox.domain.spec import EnvVar, Template, Unit

MASK = "••••••"


def masked(unit: Unit) -> Unit:
    """A unit whose secrets cannot be read: variables, files made for it, and what it exports to others."""
    spec = unit.spec
    hidden = Template.of(MASK)
    files = tuple(replace(each, parts=(hidden,)) if each.secret else each for each in spec.made_files)
    other = replace(spec.other, env=_masked(spec.other.env)) if spec.other else None
    return replace(unit, spec=replace(spec, env=_masked(spec.env), exports=(), made_files=files, other=other))


def _masked(variables: tuple[EnvVar, ...]) -> tuple[EnvVar, ...]:
    return tuple(replace(each, value=Template.of(MASK)) if each.secret else each for each in variables)
