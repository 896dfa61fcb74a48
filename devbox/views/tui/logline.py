"""How one line of a log looks: whose it is, when it came, how grave it is, what it says."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from devbox.domain.log import Level
from devbox.views.tui.buffer import Line
from devbox.views.tui.clean import coloured, harmless
from devbox.views.tui.fold import Folded, fold, spread_out

NAMES = ("#5fafd7", "#d7875f", "#87af5f", "#af87d7", "#5fafaf", "#d787af", "#afaf5f", "#8787d7", "#d7af5f", "#5f87af")
"""Colours that tell services apart in the merged log; neither the darkest nor the brightest, for any background."""

ROOM_FOR_TIMES = 56
"""Columns from which on the time is shown before each line."""

LEVEL_STYLES = {"FATAL": "log--error", "ERROR": "log--error", "WARN": "log--warn", "INFO": "log--info"}
_GRAVE = {Level.FATAL: "log--error", Level.ERROR: "log--error", Level.WARN: "log--warn"}

Mark = tuple[re.Pattern[str], Style]
"""What is looked for, and how it is marked."""

Part = Callable[[str], Style]
"""From the name of a part of a line to its style."""


def name_style(service: str) -> Style:
    """The colour of a service's name, always the same."""
    return Style(color=NAMES[zlib.crc32(service.encode()) % len(NAMES)])


@dataclass(frozen=True, slots=True)
class Look:
    """What is shown of a line beside what it says.

    With a `name_width`, the name of its replica comes first, in so many columns; `edge` is the sign of how grave it is.
    """

    times: bool
    name_width: int = 0
    edge: bool = True


def paint_line(line: Line, part: Part, look: Look, mark: Mark | None = None) -> Text:
    """A line as it is shown; what matches `mark` is marked."""
    folded = fold(line.text)
    said = _paint_folded(folded, line.level, part) if folded else coloured(line.text)
    if mark:
        said.highlight_regex(*mark)
    return _head(line, folded, part, look).append_text(said)


def paint_whole(line: Line, part: Part, look: Look, mark: Mark | None = None) -> Text:
    """A line with all there is to it: a JSON object takes a row for each of its fields."""
    text = paint_line(line, part, look, mark)
    for row in spread_out(line.text):
        key, colon, value = row.partition('": ') if row.lstrip().startswith('"') else ("", "", row)
        text.append("\n    ")
        said = Text.assemble((harmless(key + colon), part("log--dim")), harmless(value))
        if mark:
            said.highlight_regex(*mark)
        text.append_text(said)
    return text


def _head(line: Line, folded: Folded | None, part: Part, look: Look) -> Text:
    text, width = Text(no_wrap=True, end=""), look.name_width
    if width:
        text.append(f"{line.source.name[:width]:<{width}} ", name_style(line.source.service))
    if look.times:
        text.append(f"{(folded and folded.clock) or _clock(line.at):<8} ", part("log--dim"))
    return text.append(*_edge(line, part)) if look.edge else text


def _edge(line: Line, part: Part) -> tuple[str, Style]:
    """What stands before a line: of what is grave a mark down to the last line of its trace, else one of stderr."""
    if line.level in _GRAVE:
        return ("┃", part(_GRAVE[line.level]))
    return ("▏" if line.source.stderr else " ", part("log--stderr"))


def _paint_folded(folded: Folded, level: Level | None, part: Part) -> Text:
    text = Text()
    word = level.name if level is not None else folded.level
    style = part(LEVEL_STYLES.get(word, "log--dim"))
    if word:
        text.append(f"{harmless(word):<5} ", style)
    grave = word in ("FATAL", "ERROR")
    text.append(harmless(folded.message), style if grave else "")
    for key, value in folded.rest:
        text.append(f" {harmless(key)}=", part("log--dim"))
        text.append(harmless(value), part("log--value"))
    return text


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) if at else ""
