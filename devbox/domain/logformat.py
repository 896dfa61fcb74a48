"""What a line of log says about itself: its level, its time, its message, and whether it continues the line before.

Understood are JSON as the usual libraries write it (zap, zerolog, logrus, slog, pino, bunyan, winston, structlog,
python-json-logger, logback, ECS, serilog's CLEF, MongoDB), logfmt, and the plain formats of Python, Node, Java, Go,
.NET, Rust, nginx, PostgreSQL, MariaDB, redis, RabbitMQ, Kafka and syslog.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from devbox.domain.log import UNKNOWN, UNKNOWN_CONTINUED, Level
from devbox.domain.logtime import time_in, time_of

_HEAD = 200
"""Characters of a plain line in which its level must be said."""

_WORDS = {
    Level.TRACE: "trace trce finest verbose silly",
    Level.DEBUG: "debug dbug dbg debg finer fine debug1 debug2 debug3 debug4 debug5",
    Level.INFO: "info inf information informational notice note log config http",
    Level.WARN: "warn warning wrn",
    Level.ERROR: "error err eror fail failure severe",
    Level.FATAL: "fatal critical crit panic emerg emergency alert ftl dpanic",
}
_LEVELS = {word: level for level, words in _WORDS.items() for word in words.split()}

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# Loud words anywhere in the head, where something sets them apart from a sentence.
_LOUD = re.compile(
    r"(?:TRACE|DEBUG[1-5]?|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL|SEVERE|PANIC|ERR|CRIT)(?=[\s:\]|,)>-]|$)"
)
# Quiet words in brackets, or as a field.
_QUIET = re.compile(
    r"[\[<(|]\s?(trace|debug|info|notice|note|warn(?:ing)?|error|err|fatal|crit(?:ical)?|alert|emerg)(?=\s?[\])>|])",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(?:level|lvl|severity)=\"?([A-Za-z]+)", re.IGNORECASE)
_START = re.compile(
    r"(?P<word>[A-Za-z]{3,13})(?:\s*:\s|: ?$|!\s)"  # `WARNING:root:`, `info: Microsoft...`, `warn: text`
    r"|(?P<klog>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ "
    r"|<(?P<priority>\d{1,3})>"
    r"|(?:npm (?P<npm>ERR!|WARN|error|warn))"
)
_PYTHON_ROOT = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL):[\w.]+:")
_REDIS = re.compile(r"\d+:[XCSM] \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} ([.\-*#]) ")
_REDIS_LEVELS = {".": Level.DEBUG, "-": Level.DEBUG, "*": Level.INFO, "#": Level.WARN}
_ACCESS = re.compile(r'"[A-Z]+ \S+ HTTP/[\d.]+" (\d)\d\d\b')
_POSTGRES = re.compile(r"(?:LOG|DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION|ERROR|FATAL|PANIC|WARNING|NOTICE):  ")
_FAILURE = re.compile(
    r"Traceback \(most recent call last\):|Exception in thread |(?:Uncaught |Unhandled )?[\w.$]*(?:Error|Exception)\b"
    r"(?: \[\w+\])?(?:: |$)|fatal error: |Unhandled exception"
)
_PANIC = re.compile(r"panic: |thread '.*' (?:\(\d+\) )?panicked at ")
_TOLD = (
    re.compile(  # `t.c:1:27: error: `, `psql: error: `, `error[E0425]: `, `a.ts(3,5): error TS2322: `, `PHP Warning:  `
        r"(?:PHP |\(node:\d+\) (?:\[\w+\] )?|[\w./+@-]+(?:\(\d+,\d+\)|:\d+(?::\d+)?)?: )?"
        r"(?:[A-Za-z]*(?P<warning>[Ww]arning)|(?:[Ff]atal |[Pp]arse )?[Ee]rror)(?:\[\w+\]| TS\d+)?: "
    )
)
_ANYTHING = re.compile(r"\S")
_JAVA_FAILURE = re.compile(r"(?:[a-z_]\w*\.)+[A-Z][\w$]*(?:Error|Exception|Throwable)\b(?:: |$)")
_JSON_LEVEL = re.compile(
    r'"(?:level|levelname|severity|log\.level|lvl|@l|L|log_level|loglevel|level_name)"\s*:\s*"?([A-Za-z]+|\d+)'
)
_JSON_KEYS = ("level", "levelname", "severity", "log.level", "lvl", "@l", "L", "log_level", "loglevel", "level_name")
_JSON_MESSAGE = ("message", "msg", "@m", "@mt", "event", "short_message", "M", "text")
_JSON_TIME = ("time", "timestamp", "@timestamp", "ts", "@t", "t", "asctime", "datetime", "date", "T")
_MONGO = {"F": Level.FATAL, "E": Level.ERROR, "W": Level.WARN, "I": Level.INFO, "D": Level.DEBUG}
_PAIR = re.compile(r'([A-Za-z_][\w.\-@/]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)')

_CONTINUES = re.compile(
    r"[ \t]+\S|Caused by: |Suppressed: |\.\.\. \d+ more|During handling of the above|The above exception was"
    r"|goroutine \d+ \[|created by |exit status \d|[\w/.*()\[\]-]+\(.*\)$"
    r"|Stack trace:$|#\d+ |stack backtrace:$|note: (?:run with|Some details)"
)
_ALWAYS_CONTINUES = re.compile(
    r"[ \t]+\S|Caused by: |Suppressed: |\.\.\. \d+ more|During handling of the above|The above exception was"
)
_PYTHON_TRACE = "Traceback (most recent call last):"
_DETAIL = re.compile(r"\b(?:DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION):  ")


@dataclass(frozen=True, slots=True)
class Record:
    """A line, read. `time` is seconds since the epoch; `fields` is what a structured line holds besides."""

    message: str
    level: Level | None = None
    time: float | None = None
    fields: dict[str, Any] = field(default_factory=dict)


def read_line(line: str) -> Record:
    """What a line says. A line in no known format is its own message."""
    plain = _ESCAPES.sub("", line) if "\x1b" in line else line
    found = _json_object(plain)
    if found is not None:
        return _json_record(found, plain)
    pairs = _PAIR.findall(plain) if "=" in plain else []
    if len(pairs) >= 2 and (plain.startswith(pairs[0][0] + "=")):
        return _logfmt_record(pairs, plain)
    return Record(plain, level_of(plain), time_in(plain))


def level_of(line: str) -> Level | None:
    """The level that one line names, in whatever format; None where it names none."""
    if "\x1b" in line:
        line = _ESCAPES.sub("", line)
    if line.startswith("{"):
        return _json_level(line)
    return _plain_level(line)


def level_named(word: str) -> Level | None:
    """The level that a word or a number of a library stands for."""
    if word.isdigit():
        return _of_number(int(word))
    return _LEVELS.get(word.lower())


class Grouping:
    """Reads lines in their order, and tells for each its level and whether it continues the record before it."""

    def __init__(self) -> None:
        self._last = UNKNOWN
        self._in_trace = False
        self._indented = False
        self._exception_next = False
        self._reason: re.Pattern[str] | None = None

    def letters(self, lines: Iterable[str]) -> str:
        """A letter for each line, as `LogChunk.levels` has them."""
        return "".join([self._letter(line) for line in lines])

    def _letter(self, line: str) -> str:
        reason, self._reason = self._reason, None
        if self._continues(line) or (reason is not None and reason.match(line)):
            self._indented = line[:1] in " \t"
            return UNKNOWN_CONTINUED if self._last == UNKNOWN else self._last.upper()
        level = level_of(line)
        self._exception_next = line.startswith(_PYTHON_TRACE)
        # What a program dies with has a trace below it; so may any line that tells of an error.
        self._in_trace = level is not None and level >= Level.ERROR
        self._reason = _reason_below(line) if self._in_trace else None
        self._indented = False
        self._last = UNKNOWN if level is None else level.word[0]
        return self._last

    def _continues(self, line: str) -> bool:
        first = line[:1]
        if not first:
            return self._in_trace
        if first in " \t":
            return line.strip() != ""
        if self._in_trace:
            if line.startswith(_PYTHON_TRACE):
                self._exception_next = True
                return True
            if self._exception_next and self._indented:
                # The line that names the exception, at the left edge again.
                self._exception_next = False
                return True
            if _CONTINUES.match(line):
                return True
        if first in "CSDT." and _ALWAYS_CONTINUES.match(line):
            return True
        return ":  " in line and _is_detail(line)


def _reason_below(line: str) -> re.Pattern[str] | None:
    """What the line right below a grave one looks like where it tells what failed."""
    if line.startswith("thread '"):
        return _ANYTHING
    return None if _JAVA_FAILURE.match(line) else _JAVA_FAILURE


def _is_detail(line: str) -> bool:
    return _DETAIL.search(line, 0, _HEAD) is not None


def _plain_level(line: str) -> Level | None:
    if not line:
        return None
    # A turn for each line that anybody follows: a test for a letter comes before each expression.
    first = line[:1]
    if first.isdigit():
        if line.find(":", 1, 11) > 0 and (found := _REDIS.match(line)):
            return _REDIS_LEVELS[found[1]]
    elif (first.isalpha() or first in "</.(") and (at_start := _at_start(line, first)) is not None:
        return at_start
    if found := _LOUD.search(line, 0, _HEAD):
        before = line[found.start() - 1 : found.start()]
        if not (before.isalnum() or before in "._") or before == "":
            return _LEVELS[found[0].lower()]
    if ("[" in line or "<" in line or "(" in line or "|" in line) and (found := _QUIET.search(line, 0, _HEAD)):
        return _LEVELS[found[1].lower()]
    if "=" in line and (found := _FIELD.search(line, 0, _HEAD)):
        return level_named(found[1])
    if '" ' in line and (found := _ACCESS.search(line)):
        return {"5": Level.ERROR, "4": Level.WARN}.get(found[1], Level.INFO)
    if ":  " in line and _POSTGRES.search(line, 0, _HEAD):
        return Level.INFO
    return None


def _at_start(line: str, first: str) -> Level | None:
    if found := _START.match(line):
        match found.lastgroup:
            case "word":
                if (level := _LEVELS.get(found["word"].lower())) is not None:
                    return level
            case "klog":
                return {"I": Level.INFO, "W": Level.WARN, "E": Level.ERROR, "F": Level.FATAL}[found["klog"]]
            case "priority":
                return _of_syslog(int(found["priority"]) % 8)
            case "npm":
                return Level.WARN if found["npm"].lower() == "warn" else Level.ERROR
    if first in "DIWEC" and (found := _PYTHON_ROOT.match(line)):
        return _LEVELS[found[1].lower()]
    if first in "pt" and _PANIC.match(line):
        return Level.FATAL
    if ("rror" in line or "arning: " in line) and (found := _TOLD.match(line)):
        return Level.WARN if found["warning"] else Level.ERROR
    if "rror" in line or "xception" in line or "Traceback" in line:
        return Level.ERROR if _FAILURE.match(line) else None
    return None


def _of_syslog(severity: int) -> Level:
    if severity <= 2:
        return Level.FATAL
    return {3: Level.ERROR, 4: Level.WARN, 7: Level.DEBUG}.get(severity, Level.INFO)


def _of_number(number: int) -> Level | None:
    """Levels of pino, bunyan and Python: 10 to 60, in tens. Below ten they are syslog's."""
    if number < 8:
        return _of_syslog(number)
    return Level(min(max(number // 10, 1), 6)) if number < 100 else None


def _json_level(line: str) -> Level | None:
    found = _JSON_LEVEL.search(line)
    if found and line.count("{", 0, found.start()) - line.count("}", 0, found.start()) == 1:
        return level_named(found[1])
    whole = _json_object(line)
    return None if whole is None else _level_in(whole)


def _json_object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _level_in(found: dict[str, Any]) -> Level | None:
    for key in _JSON_KEYS:
        if isinstance(value := found.get(key), (str, int)):
            return level_named(str(value))
    if isinstance(nested := found.get("log"), dict):
        return level_named(str(nested.get("level", "")))
    if isinstance(found.get("t"), dict) and isinstance(found.get("s"), str):
        return _MONGO.get(found["s"][:1])
    # CLEF leaves the level out where it is Information.
    return Level.INFO if "@t" in found else None


def _json_record(found: dict[str, Any], line: str) -> Record:
    message = next((str(found[key]) for key in _JSON_MESSAGE if isinstance(found.get(key), (str, int, float))), line)
    times = (time_of(found[key]) for key in _JSON_TIME if key in found)
    time = next((at for at in times if at is not None), None)
    known = {*_JSON_KEYS, *_JSON_MESSAGE, *_JSON_TIME}
    return Record(message, _level_in(found), time, {key: value for key, value in found.items() if key not in known})


def _logfmt_record(pairs: list[tuple[str, str]], line: str) -> Record:
    found = {key: _unquoted(value) for key, value in pairs}
    record = _json_record(found, line)
    return record if record.level is not None else Record(record.message, level_of(line), record.time, record.fields)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]
