"""The images that the manifest wants: which are here, and where the others come from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from devbox.cli.checkup.finding import Finding
from devbox.domain.spec import AppSpec, ContainerRun
from devbox.runtimes.docker.facts import EngineFacts


def names(app: AppSpec | None) -> tuple[str, ...]:
    """The images of all containers."""
    runs = [service.run for service in app.services] if app is not None else []
    return tuple(dict.fromkeys(run.image for run in runs if isinstance(run, ContainerRun)))


def findings(app: AppSpec, facts: EngineFacts | None) -> Iterator[Finding]:
    if facts is None:
        return
    wanted = names(app)
    built: list[str] = []
    pulled: dict[str, list[str]] = {}
    for service in app.services:
        run = service.run
        if not isinstance(run, ContainerRun) or run.image in facts.images:
            continue
        if run.build is not None:
            built.append(service.name)
        elif run.options.pull_policy == "never":
            seen = f"{run.image} is not here, and pull_policy is never"
            mend = f"`docker pull {shlex.quote(run.image)}`, or another pull_policy: {service.origin}"
            yield Finding(f"image of {service.name}", False, seen, mend)
        else:
            from devbox.runtimes.docker.credentials import registry_of

            known = pulled.setdefault(registry_of(run.image), [])
            known += [run.image] if run.image not in known else []
    if wanted:
        here = sum(name in facts.images for name in wanted)
        parts = [f"{here} of {len(wanted)} here"]
        parts += [f"`up` pulls from {registry}: {', '.join(some)}" for registry, some in sorted(pulled.items())]
        parts += [f"`up` builds {', '.join(built)}"] if built else []
        yield Finding("images", True, "; ".join(parts))
