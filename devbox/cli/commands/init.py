"""`devbox init`: a first manifest for what a directory holds. Asks nothing, explains itself, overwrites nothing."""

from __future__ import annotations

from pathlib import Path

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import say
from devbox.domain.errors import UsageError


def run(args: Arguments) -> int:
    from devbox.manifest.first import first_manifest
    from devbox.manifest.locate import NAMES

    directory = args.selection().directory or Path.cwd()
    for name in NAMES:
        if (directory / name).exists():
            raise UsageError(f"there is a {name} here already", hint="`devbox up` takes it as it is.")
    text, seen = first_manifest(directory)
    (directory / "devbox.yaml").write_text(text, encoding="utf-8")
    say(f"wrote devbox.yaml, from {seen}" if seen else "wrote devbox.yaml, an example: nothing here told what runs")
    say("  Look it over, then: devbox up")
    return 0
