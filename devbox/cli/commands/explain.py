"""`devbox explain`: where a value of a service comes from, and what it overrode."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from devbox.cli.arguments import Arguments
from devbox.domain.errors import UsageError

if TYPE_CHECKING:
    from devbox.manifest.provenance import Provenance
    from devbox.manifest.reading import Reading


def run(args: Arguments) -> int:
    from devbox.manifest.provenance import provenance
    from devbox.manifest.source import nearest

    reading = args.project().read(_prefixes(args.what))
    service, key = _split(reading, args.what)
    values = provenance(reading, service, show_secrets=args.show_secrets)
    chosen = [value for value in values if _matches(value.key, key)] if key else list(values)
    if not chosen:
        names = [value.key.removeprefix("environment.") for value in values]
        raise UsageError(f"{service} says nothing of {key}", hint=nearest(key, names))
    if args.format == "json":
        for value in chosen:
            print(json.dumps({"service": service, **asdict(value)}, ensure_ascii=False))
    else:
        print("\n".join(line for value in chosen for line in _lines(service, value)))
    return 0


def _prefixes(what: str) -> list[str]:
    """What the service may be called of `a.b.c`: whichever it is, its profile counts as active."""
    parts = what.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _split(reading: Reading, what: str) -> tuple[str, str]:
    """The service and the key; the name of a service may have dots in it."""
    from devbox.manifest.source import nearest

    names = sorted(reading.drafts, key=len, reverse=True)
    service = next((name for name in names if what == name or what.startswith(f"{name}.")), None)
    if service is None:
        raise UsageError(f"no such service: {what.partition('.')[0]}", hint=nearest(what.partition(".")[0], names))
    return service, what.removeprefix(service).removeprefix(".")


def _matches(key: str, asked: str) -> bool:
    """Whether a value is the one that was asked for, or below it; variables need no `environment.` before them."""
    return any(key == each or key.startswith(f"{each}.") for each in (asked, f"environment.{asked}"))


def _lines(service: str, value: Provenance) -> list[str]:
    lines = [f"{service}.{value.key} = {value.value}", f"    {value.origin}"]
    lines += [f"    with {variable}" for variable in value.through]
    return lines + [f"    over {said.origin}: {said.value}" for said in value.overrode]
