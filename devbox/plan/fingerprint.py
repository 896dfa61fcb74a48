"""One short text that stands for everything a running instance cannot take over without being replaced."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from devbox.domain.codec import encode
from devbox.domain.doors import has_door
from devbox.domain.spec import ContainerRun, EnvVar, Run, ServiceSpec

BEHAVIOUR = {"run": "its command", "env": "its environment", "ports": "its ports"}
"""The fields of a service that a running instance was made from, with their name in words.

What devbox itself does around an instance (probe, restart policy, dependencies, how it is stopped) is taken over live.
"""


def fingerprint(spec: ServiceSpec) -> str:
    """The fingerprint of a resolved service. Where a value was written does not count, only what it is."""
    parts = [
        encode(_as_it_runs(spec.run)),
        [[var.name, encode(var.value)] for var in _by_name(spec.env)],
        encode(spec.ports),
    ]
    if has_door(spec):
        parts.append("behind a door")
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _as_it_runs(run: Run) -> Run:
    """Without how its image comes to be: what counts is which image it is, and that the runtime sees."""
    if not isinstance(run, ContainerRun):
        return run
    return replace(run, build=None, options=replace(run.options, pull_policy=""))


def difference(old: ServiceSpec, new: ServiceSpec) -> str:
    """What differs between two versions of a service, in words; empty where a running instance can stay."""
    differing = [words for field, words in BEHAVIOUR.items() if _plain(old, field) != _plain(new, field)]
    if not differing and has_door(old) is not has_door(new):
        return f"its port is {'now' if has_door(new) else 'no longer'} behind a door"
    return f"{' and '.join(differing)} changed" if differing else ""


def _plain(spec: ServiceSpec, field: str) -> object:
    if field == "env":
        return {var.name: var.value for var in spec.env}
    value: object = getattr(spec, field)
    return _as_it_runs(spec.run) if field == "run" else value


def _by_name(env: tuple[EnvVar, ...]) -> list[EnvVar]:
    return sorted(env, key=lambda var: var.name)
