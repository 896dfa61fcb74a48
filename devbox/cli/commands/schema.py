"""`devbox schema`."""

from __future__ import annotations

import json

from devbox.cli.arguments import Arguments


def run(args: Arguments) -> int:
    from devbox.manifest.schema import schema

    print(json.dumps(schema(devbox_format=args.kind == "devbox"), indent=2))
    return 0
