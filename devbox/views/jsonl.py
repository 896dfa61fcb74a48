"""The event stream for programs: one JSON object a line."""

from __future__ import annotations

import json

from devbox.domain.codec import encode
from devbox.domain.event import Event


def event_line(event: Event) -> str:
    """An event as one line of JSON, with its description in words beside its fields."""
    data = encode(event, saved_only=True)
    del data["is"]
    return json.dumps({**data, "text": event.describe()}, separators=(",", ":"))
