"""Values over time as bars of block characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def bars(values: Sequence[float], width: int, height: int, top: float) -> list[str]:
    """`height` rows of at most `width` columns, top row first. `top` is the value that reaches the top.

    The latest values stand at the right. Where there are more values than columns, each column shows the highest of
    its own, so that no peak is lost.
    """
    columns = _squeezed(values, width)
    filled = [round(min(max(value, 0.0), top) / top * height * 8) if top > 0 else 0 for value in columns]
    # Whatever is not nothing is seen.
    filled = [max(1, eighths) if value > 0 else eighths for eighths, value in zip(filled, columns, strict=True)]
    return [
        "".join(_EIGHTHS[max(0, min(8, eighths - 8 * level))] for eighths in filled).rjust(width)
        for level in reversed(range(height))
    ]


def _squeezed(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    edges = [round(column * len(values) / width) for column in range(width + 1)]
    return [max(values[begin:end]) for begin, end in pairwise(edges)]
