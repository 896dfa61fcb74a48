"""`devbox config`."""

from __future__ import annotations

import json

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import say


def run(args: Arguments) -> int:
    from devbox.manifest import to_compose

    app = args.project().load()
    for note in app.notes:
        say(f"note: {note}")
    if args.quiet:
        return 0
    if args.names_only:
        print(*(service.name for service in app.services), sep="\n")
    elif args.format == "json":
        print(json.dumps(to_compose(app), indent=2))
    else:
        import yaml

        print(yaml.safe_dump(to_compose(app), sort_keys=False, allow_unicode=True), end="")
    return 0
