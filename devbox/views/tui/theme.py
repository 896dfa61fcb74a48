"""The panel's own colours, besides the themes that come with Textual."""

from __future__ import annotations

from textual.theme import Theme

CALM = Theme(
    name="devbox",
    primary="#6cb6ff",
    secondary="#4f8cc9",
    accent="#6cb6ff",
    success="#7cc38f",
    warning="#e3b866",
    error="#f2777f",
    foreground="#c9d1d9",
    background="#131518",
    surface="#1b1e23",
    panel="#282b32",
)

CALM_LIGHT = Theme(
    name="devbox-light",
    primary="#0a5fc2",
    secondary="#3a7bd0",
    accent="#0a5fc2",
    success="#1a7335",
    warning="#8a5a00",
    error="#b3202c",
    foreground="#24292f",
    background="#f8f9fb",
    surface="#eef0f3",
    panel="#dfe3e8",
    dark=False,
)

COLOUR_BLIND_SAFE = Theme(
    name="colour-blind-safe",
    primary="#56b4e9",
    secondary="#0072b2",
    accent="#cc79a7",
    success="#56b4e9",
    warning="#f0e442",
    error="#e69f00",
    foreground="#d0d4d8",
    background="#131518",
    surface="#1b1e23",
    panel="#282b32",
)
"""Good, under way and bad as blue, yellow and orange, from the palette of Okabe and Ito."""

THEMES = (CALM, CALM_LIGHT, COLOUR_BLIND_SAFE)


def default_theme(colours: str | None) -> str:
    """The theme that a terminal of so many colours can show: one of 16 keeps its own, which are readable on it."""
    return "ansi-dark" if colours in ("standard", "windows") else CALM.name
