"""Styles from the style sheet for what is drawn line by line."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


def part(widget: Widget, name: str) -> Style:
    """The style of a component of a widget, without a background unless it has one of its own.

    A colour that lets the background through is blended with it, as Textual does for whole widgets; where the
    terminal's own colours are used, and nothing can be blended, it is dim instead.
    """
    styles = widget.get_component_styles(name)
    style = widget.get_component_rich_style(name, partial=True)
    if not styles.has_rule("color") or styles.color.a >= 1:
        return style
    background = widget.background_colors[1]
    if styles.color.ansi is not None or background.ansi is not None:
        return style + Style(dim=True)
    return style + Style(color=(background + styles.color).rich_color)
