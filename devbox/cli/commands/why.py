"""`devbox why`."""

from __future__ import annotations

import json
import sys

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import colour_wanted
from devbox.control.protocol import Why
from devbox.domain.codec import decode
from devbox.views.why import explanation


def run(args: Arguments) -> int:
    answer = args.project().client().get(f"/v1/why/{args.service}")
    if args.format == "json":
        print(json.dumps(answer, indent=2))
    else:
        print(explanation(decode(Why, answer), colour=colour_wanted(sys.stdout.isatty(), args.ansi)))
    return 0
