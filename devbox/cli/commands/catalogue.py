"""`devbox catalogue`: what `use:` knows, and one entry with a manifest to paste."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import say
from devbox.domain.errors import UsageError

if TYPE_CHECKING:
    from devbox.catalogue import Entry

_KINDS = (
    "sql",
    "documents and wide columns",
    "caches",
    "search",
    "object store",
    "messaging",
    "cloud",
    "observability",
    "identity",
    "edge",
    "ci",
    "coordination",
    "own",
)
_WIDTH = 12


def run(args: Arguments) -> int:
    folders = _folders(args)
    if args.entry is not None:
        entry = _entry(args.entry, folders)
        print(json.dumps(_facts(entry), indent=2) if args.format == "json" else "\n".join(_shown(entry)))
        return 0
    entries, problems = _entries(folders)
    if args.format == "json":
        print("\n".join(json.dumps(_facts(entry)) for entry in entries))
    else:
        print("\n".join(_listed(entries)))
    for problem in problems:
        say(problem)
    return 2 if problems else 0


def _entries(folders: Sequence[Path]) -> tuple[list[Entry], list[str]]:
    """Every entry that can be read, and what is wrong with the others."""
    from devbox.catalogue import EntryError, load_entry, names

    entries, problems = [], []
    for name in names(folders):
        try:
            entries.append(load_entry(name, folders))
        except EntryError as exc:
            problems.append(exc.message)
    return entries, problems


def _folders(args: Arguments) -> list[Path]:
    """Where entries of the project's own are looked for: beside its manifest, or here where there is none."""
    return list(dict.fromkeys(file.parent for file in args.project().files())) or [Path.cwd()]


def _entry(name: str, folders: Sequence[Path]) -> Entry:
    from devbox.catalogue import EntryError, NoEntry, load_entry, names
    from devbox.manifest.source import nearest

    try:
        return load_entry(name, folders)
    except NoEntry as exc:
        raise UsageError(exc.message, hint=nearest(name, names(folders)) or "`devbox catalogue` lists them.") from exc
    except EntryError as exc:
        raise UsageError(exc.message) from exc


# --- the list


def _listed(entries: Sequence[Entry]) -> Iterator[str]:
    widest = max(len(entry.name) for entry in entries)
    kinds = [*_KINDS, *sorted({entry.kind for entry in entries} - set(_KINDS))]
    for kind in kinds:
        of_kind = [entry for entry in entries if entry.kind == kind]
        if of_kind:
            yield f"\n{kind.upper()}" if kind != kinds[0] else kind.upper()
        for entry in of_kind:
            yield f"  {entry.name:<{widest}}  {entry.summary}{_embedded_words(entry)}"
    yield "\n`use: NAME` in a service of the manifest; `devbox catalogue show NAME` tells more."


def _embedded_words(entry: Entry) -> str:
    found = _embedded(entry)
    if found is None:
        return ""
    return f" (also without containers{', once installed' if not found else ''})"


def _embedded(entry: Entry) -> str | None:
    """The version that runs as a process here, or `installed`; empty where it could be had, None where it never can."""
    from devbox.catalogue import find_server

    if entry.embedded is None:
        return None
    found = find_server(entry.embedded, entry.version, os.environ.get("PATH", ""))
    return "" if found is None else found.version or "installed"


# --- one entry


def _shown(entry: Entry) -> Iterator[str]:
    yield f"{entry.name}: {entry.summary}"
    yield ""
    yield from _row("image", entry.container.image.replace("{version}", entry.version))
    yield from _row("versions", ", ".join(f"{each}{' (default)' * (each == entry.version)}" for each in entry.versions))
    yield from _row("ports", ", ".join(f"{number} {name}" for name, number in entry.ports.items()))
    yield from _rows("settings", _settings(entry))
    yield from _rows("exports", (f"${{{entry.name}.{name}}}" for name in (*entry.exports, "host", "port")))
    yield from _row("ready when", _readiness(entry))
    yield from _row("data", _data(entry))
    yield from _row("page", f"http://127.0.0.1{entry.open}" if entry.open else "")
    yield from _row("metrics", f"{entry.metrics}, scraped by a prometheus of the mesh" if entry.metrics else "")
    yield from _row(
        "console", f"devbox exec {entry.name}" if entry.container.console else "none: its image has no shell"
    )
    yield from _row("seed", ", ".join(entry.container.seed))
    yield from _row("embedded", _embedded_row(entry))
    yield from _row("note", entry.notes)
    yield from ("", *_manifest(entry))


def _row(name: str, text: str) -> Iterator[str]:
    if text:
        yield f"  {name:<{_WIDTH}}{text}"


def _rows(name: str, texts: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f"  {'' if number else name:<{_WIDTH}}{text}"


def _settings(entry: Entry) -> Iterator[str]:
    for name, setting in entry.settings.items():
        value = (
            "made once, and kept" if setting.generated else setting.default.replace("{service}", "the service's name")
        )
        variable = f", or {setting.variable}" if setting.variable else ""
        yield f"{name}: {value}{variable}"


def _readiness(entry: Entry) -> str:
    probe = entry.container.probe
    if probe.http is not None:
        return f"GET {probe.http} answers" + (f" with /{probe.body}/" if probe.body else "")
    words = " ".join(" ".join(probe.exec).split())
    return words if len(words) < 90 else f"{words[:87]}..."


def _data(entry: Entry) -> str:
    if entry.container.data is None:
        return "none that outlives it"
    return f"{entry.container.data} in a volume; `devbox down` keeps it, `devbox down -v` drops it"


def _embedded_row(entry: Entry) -> str:
    found = _embedded(entry)
    if entry.embedded is None or found is None:
        return ""
    said = f"runs here as a process, {found}" if found else f"as a process after: {entry.embedded.install}"
    return f"{said} (`runtime: process`, or where no engine answers)"


def _manifest(entry: Entry) -> Iterator[str]:
    yield "services:"
    yield f"  {entry.name}:"
    yield f"    use: {entry.name}:{entry.version}"
    yield from (f"    {line}" for line in entry.example.splitlines())
    if entry.client:
        yield "  api:"
        yield "    environment:"
        for variable, export in entry.client.items():
            value = export[1:] if export.startswith("=") else f"${{{entry.name}.{export}}}"
            yield f"      {variable}: {value}"


def _facts(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "summary": entry.summary,
        "version": entry.version,
        "versions": entry.versions,
        "image": entry.container.image.replace("{version}", entry.version),
        "ports": entry.ports,
        "settings": sorted(entry.settings),
        "exports": list(entry.exports),
        "data": entry.container.data,
        "seed": list(entry.container.seed),
        "embedded": _embedded(entry),
    }
