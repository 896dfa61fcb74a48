"""`devbox timings`, and what `devbox up --timings` prints at its end."""

from __future__ import annotations

import json

from devbox.cli.arguments import Arguments
from devbox.control.client import Client
from devbox.domain.codec import decode, encode
from devbox.domain.timing import Timings
from devbox.views.timings import chart


def run(args: Arguments) -> int:
    found = timings_of(args.project().client())
    print(json.dumps(encode(found), indent=2) if args.format == "json" else chart(found))
    return 0


def timings_of(client: Client) -> Timings:
    """How the last start went, by what the supervisor wrote down."""
    return decode(Timings, client.get("/v1/timings"))
