"""`devbox config`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import say
from devbox.domain.errors import UsageError


def run(args: Arguments) -> int:
    from devbox.manifest.canonical import canonical
    from devbox.manifest.showing import as_written

    project = args.project()
    if args.no_interpolate:
        from devbox.manifest.reading import read_as_written

        tree = read_as_written(project.files(), args.selection().directory)
        _put_out(args, as_written(tree, show_secrets=args.show_secrets))
        return 0
    reading = project.read(args.services)
    for note in reading.app.notes:
        say(f"note: {note}")
    if args.quiet:
        return 0
    data = canonical(reading, show_secrets=args.show_secrets)
    if args.services:
        data = _only(data, args.services)
    if args.environment:
        _print(args, _environment(reading.scope.variables, args.show_secrets))
    elif args.hash:
        whole = canonical(reading, show_secrets=True)["services"]
        names = sorted(whole) if args.hash == "*" else args.hash.split(",")
        _print(args, [f"{name} {_hash(whole, name)}" for name in names])
    elif args.only:
        _print(args, _names(data, args.only, reading.drafts.values()))
    else:
        _put_out(args, data)
    return 0


def _only(data: dict[str, Any], services: Iterable[str]) -> dict[str, Any]:
    wanted = set(services)
    if unknown := sorted(wanted - data["services"].keys()):
        raise UsageError(f"no such service: {unknown[0]}", hint=f"There are: {', '.join(sorted(data['services']))}.")
    return {**data, "services": {name: each for name, each in data["services"].items() if name in wanted}}


def _names(data: dict[str, Any], what: str, drafts: Iterable[Any]) -> list[str]:
    services: dict[str, Any] = data["services"]
    match what:
        case "images":
            return sorted(
                {each.get("image") or f"{data['name']}-{name}" for name, each in services.items() if _own(each)}
            )
        case "profiles":
            return sorted({profile for draft in drafts for profile in draft.profiles})
        case _:
            return sorted(data.get(what) or ())


def _own(service: dict[str, Any]) -> bool:
    """Whether a service says which image it runs, or how that is built."""
    return "image" in service or "build" in service


def _hash(services: dict[str, Any], name: str) -> str:
    if name not in services:
        raise UsageError(f"no such service: {name}", hint=f"There are: {', '.join(sorted(services))}.")
    return hashlib.sha256(json.dumps(services[name], sort_keys=True).encode()).hexdigest()


def _environment(variables: Any, show_secrets: bool) -> list[str]:
    from devbox.manifest.environment import looks_secret
    from devbox.manifest.showing import MASK

    def shown(name: str, value: str) -> str:
        hidden = variables.is_secret(name) or looks_secret(name, value)
        return f"{name}={MASK if hidden and not show_secrets else value}"

    return [shown(name, value) for name, value in sorted({**variables.files, **variables.environment}.items())]


def _print(args: Arguments, lines: Iterable[str]) -> None:
    _write(args, "".join(f"{line}\n" for line in lines))


def _put_out(args: Arguments, data: dict[str, Any]) -> None:
    if args.format == "json":
        _write(args, json.dumps(data, indent=2) + "\n")
        return
    import yaml

    _write(args, yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120))


def _write(args: Arguments, text: str) -> None:
    if args.output is None:
        print(text, end="")
    else:
        args.output.write_text(text, encoding="utf-8")
