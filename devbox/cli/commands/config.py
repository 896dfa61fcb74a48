"""`devbox config`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import say
from devbox.domain.errors import UsageError

if TYPE_CHECKING:
    from devbox.manifest.reading import Reading


def run(args: Arguments) -> int:
    return _as_written(args) if args.no_interpolate else _resolved(args)


def _as_written(args: Arguments) -> int:
    """The manifest with its variables as they stand in its files."""
    from devbox.manifest.showing import as_written
    from devbox.manifest.unreplaced import with_whole_paths

    if args.resolve_image_digests or args.lock_image_digests:
        raise UsageError("what is not interpolated has no digests", hint="Leave --no-interpolate out.")
    if args.hash or args.environment:
        raise UsageError("what is not interpolated has no hash and no environment", hint="Leave --no-interpolate out.")
    project = args.project()
    tree = project.read_as_written()
    if not args.no_path_resolution:
        tree = with_whole_paths(tree)
    data = as_written(tree, show_secrets=args.show_secrets)
    if args.services:
        data = _only(data, args.services)
    if args.quiet:
        return 0
    if args.only:
        _print(args, _names({"name": project.name(), **data}, args.only))
    else:
        _put_out(args, data)
    return 0


def _resolved(args: Arguments) -> int:
    """The manifest as it is meant."""
    from devbox.manifest.canonical import canonical

    project = args.project()
    reading = project.read(args.services)
    for note in reading.app.notes:
        say(f"note: {note}")
    if args.quiet:
        return 0
    data = canonical(
        reading,
        show_secrets=args.show_secrets,
        relative=args.no_path_resolution,
        normal=not args.no_normalize,
    )
    if args.services:
        data = _only(data, args.services)
    if args.resolve_image_digests or args.lock_image_digests:
        from devbox.cli.pinning import only_images, pin

        data = pin(data, project.environment)
        data = only_images(data) if args.lock_image_digests else data
    if args.environment:
        _print(args, _environment(reading.scope.variables, args.show_secrets))
    elif args.hash:
        whole = canonical(reading, show_secrets=True)["services"]
        names = sorted(whole) if args.hash == "*" else args.hash.split(",")
        _print(args, [f"{name} {_hash(whole, name)}" for name in names])
    elif args.only:
        # Profiles are told to who wants to know which there are, so those of services that are left out count too.
        _print(args, _names({"services": _all_services(reading)} if args.only == "profiles" else data, args.only))
    else:
        _put_out(args, data)
    return 0


def _all_services(reading: Reading) -> Any:
    """Every service as the manifest has it, those too whose profiles are not active."""
    from devbox.manifest.showing import plain

    services = reading.tree.get("services")
    return plain(services) if services is not None else {}


def _only(data: dict[str, Any], services: Iterable[str]) -> dict[str, Any]:
    wanted, known = set(services), data.get("services") or {}
    if unknown := sorted(wanted - known.keys()):
        raise UsageError(f"no such service: {unknown[0]}", hint=f"There are: {', '.join(sorted(known))}.")
    return {**data, "services": {name: each for name, each in known.items() if name in wanted}}


def _names(data: dict[str, Any], what: str) -> list[str]:
    services: dict[str, Any] = {name: each for name, each in (data.get("services") or {}).items() if each}
    match what:
        case "images":
            return sorted(
                {each.get("image") or f"{data['name']}-{name}" for name, each in services.items() if _own(each)}
            )
        case "profiles":
            return sorted({profile for each in services.values() for profile in _texts(each.get("profiles"))})
        case _:
            return sorted(data.get(what) or ())


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value is not None else []


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
