"""How states, times and ports are put, the same in every view."""

from __future__ import annotations

ICONS = {
    "healthy": "●",
    "running": "●",
    "completed": "✓",
    "starting": "◐",
    "preparing": "◐",
    "pending": "○",
    "waiting": "◌",
    "stopping": "◑",
    "stopped": "○",
    "idle": "○",
    "paused": "⏸",
    "sleeping": "☾",
    "unhealthy": "▲",
    "backoff": "↻",
    "crashing": "✗",
    "failed": "✗",
}

_GREEN, _YELLOW, _RED, _GREY = "32", "33", "31", "90"
COLOURS = {
    "healthy": _GREEN,
    "running": _GREEN,
    "completed": _GREEN,
    "stopped": _GREY,
    "idle": _GREY,
    "sleeping": _GREY,
    "unhealthy": _RED,
    "crashing": _RED,
    "failed": _RED,
}


def icon(state: str) -> str:
    """The sign that goes with a state's word."""
    return ICONS.get(state, "·")


def paint(text: str, state: str) -> str:
    """`text` in the colour of a state, for a terminal."""
    return f"\x1b[{COLOURS.get(state, _YELLOW)}m{text}\x1b[0m"


def age(seconds: float) -> str:
    """A span of time in at most four characters or so: `12s`, `5m`, `3h`, `2d`."""
    seconds = max(0, int(seconds))
    for limit, unit, size in ((60, "s", 1), (3600, "m", 60), (86400, "h", 3600)):
        if seconds < limit:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"


def size(count: int) -> str:
    """A number of bytes in a few characters: `512 B`, `14.2 MB`, `1.3 GB`, in powers of 1024."""
    value, units = float(count), ("B", "kB", "MB", "GB", "TB")
    for unit in units[:-1]:
        if value < 1024:
            return f"{value:.0f} {unit}" if unit in ("B", "kB") else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} {units[-1]}"


def port_text(host: str, published: int | None, target: int, protocol: str) -> str:
    """A published port in its shortest form: `8080`, `8080→80`, `0.0.0.0:8080→80`, `53/udp`."""
    number = published or target
    text = str(number) if host == "127.0.0.1" else f"{host}:{number}"
    if number != target:
        text += f"→{target}"
    return text if protocol == "tcp" else f"{text}/{protocol}"
