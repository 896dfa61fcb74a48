"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as it should be, what was seen, and what mends it."""

    what: str
    ok: bool
    seen: str
    mend: str = ""
