"""What a service wrote, made harmless: colours stay, everything else that a terminal would obey goes.

A service must not be able to clear the screen, move the cursor, set the title, write the clipboard, or have its text
read in another order than it was written.
"""

from __future__ import annotations

import re

from rich.ansi import AnsiDecoder
from rich.style import Style
from rich.text import Text

LONGEST = 16_384
"""Characters of a line that are kept; what is beyond is only counted."""

_ESCAPES = re.compile(
    r"(\x1b\[[0-9;]{0,64}m)"  # colour: the one thing that stays
    r"|\x1b\][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[PX^_][^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # titles, clipboards, device strings
    r"|\x1b\[[0-?]*[ -/]*[@-~]?|\x9b[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
_BREAKS = re.compile("\r\n|[\n\x0b\x0c\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_QUIET = Style(blink=False, blink2=False, conceal=False)
_DECODED = re.compile("\x1b\\[[0-9;]*m")


def shorten(line: str) -> str:
    """A line that is not longer than the panel keeps; says how much is missing."""
    if len(line) <= LONGEST:
        return line
    return f"{line[:LONGEST]}… ({len(line) - LONGEST:,} more characters)"


def harmless(line: str) -> str:
    """One line in which nothing but colour is left of what a terminal would obey. Tabs are expanded.

    Of a line that was overwritten by carriage returns, as progress bars do, the last state stays.
    """
    if line.isascii() and line.isprintable():
        return line
    line = _BREAKS.sub(" ⏎ ", line.rstrip("\r\n"))
    line = line.rsplit("\r", 1)[-1]
    line = _ESCAPES.sub(r"\1", line)
    line = _SURROGATES.sub("\ufffd", _CONTROLS.sub("", line))
    return line.expandtabs(4)


def plain(line: str) -> str:
    """One line without even its colours: what a search looks at."""
    clean = harmless(line)
    return _DECODED.sub("", clean) if "\x1b" in clean else clean


def coloured(line: str) -> Text:
    """One line as text in its own colours, never blinking or hidden."""
    clean = harmless(line)
    if "\x1b" not in clean:
        return Text(clean, no_wrap=True, end="")
    text = AnsiDecoder().decode_line(clean)
    text.end = ""
    text.stylize(_QUIET)
    return text
