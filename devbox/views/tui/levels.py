"""How grave a line of a log is, as far as it says so itself."""

from __future__ import annotations

import re
from enum import IntEnum

from devbox.views.tui.clean import plain
from devbox.views.tui.fold import fold


class Level(IntEnum):
    """The common levels. UNKNOWN: the line does not say."""

    UNKNOWN = 0
    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARN = 4
    ERROR = 5
    FATAL = 6


FILTERS = (Level.UNKNOWN, Level.INFO, Level.WARN, Level.ERROR)
"""What a level filter can be set to, one after the other: the least that is shown."""

_LOOKED_AT = 160
"""Characters at the beginning of a line among which its level is looked for."""

_WORDS = re.compile(
    r"\b(?:level|lvl|severity)=\"?(?P<key>[a-zA-Z]+)"
    r"|\[(?P<bracket>[a-zA-Z]+)\]"
    r"|\b(?P<word>TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|ERR|SEVERE|FATAL|CRITICAL|PANIC|Warning|Error)\b(?![=(])"
    r"|^(?P<go>[IWEF])\d{4} "
)
_THROWN = r"(?:[\w.]+\.)?\w*(?:Error|Exception)(?::|$)|Caused by: "
_GRAVE = re.compile(rf"Traceback \(most recent call last\)|panic: |{_THROWN}")
_GOES_ON = re.compile(rf"\s+\S|Traceback |goroutine |\.\.\. \d+ more|{_THROWN}")

_LEVELS = {
    "trace": Level.TRACE,
    "debug": Level.DEBUG,
    "info": Level.INFO,
    "notice": Level.INFO,
    "log": Level.INFO,
    "i": Level.INFO,
    "warn": Level.WARN,
    "warning": Level.WARN,
    "w": Level.WARN,
    "error": Level.ERROR,
    "err": Level.ERROR,
    "severe": Level.ERROR,
    "e": Level.ERROR,
    "fatal": Level.FATAL,
    "critical": Level.FATAL,
    "crit": Level.FATAL,
    "emerg": Level.FATAL,
    "panic": Level.FATAL,
    "f": Level.FATAL,
}


def level_of(text: str) -> Level:
    """The level a line says it has."""
    if folded := fold(text):
        return _LEVELS.get(folded.level.lower(), Level.UNKNOWN)
    head = plain(text[:_LOOKED_AT])
    for found in _WORDS.finditer(head):
        word = next(group for group in found.groups() if group)
        if word.lower() in _LEVELS:
            return _LEVELS[word.lower()]
    return Level.ERROR if _GRAVE.match(head) else Level.UNKNOWN


def goes_on(text: str) -> bool:
    """Whether a line looks like a further line of what was said before it, as those of a stack trace do."""
    return bool(_GOES_ON.match(text[:_LOOKED_AT]))
