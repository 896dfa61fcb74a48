"""Times as flags give them."""

from __future__ import annotations

import time

from devbox.domain.errors import UsageError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "ms": 0.001}


def moment(text: str | None) -> float | None:
    """A time as `docker logs` takes it: how long ago (`10m`, `1h30m`), a date with a time or without, or a number.

    In seconds since the epoch; None where none is given. Raises UsageError.
    """
    import re
    from datetime import datetime

    if text is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return time.time() - sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
            return float(text)
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(
            f"{text!r} is no time",
            hint="For example: 10m, 1h30m, 2024-05-01T10:00:00, or seconds since 1970.",
        ) from None
