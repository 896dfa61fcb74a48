"""The journal of events on disk: what `why` walks, also after a supervisor's death."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from devbox.domain.codec import DecodeError, decode, encode
from devbox.domain.event import Event, Progress

_KEPT = 10_000
_LARGEST = 16 * 1024 * 1024

log = logging.getLogger(__name__)


class Journal:
    """The last events of a project, in memory and in a file of one JSON object a line. Secrets are left out."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._events: deque[Event] = deque(_read(file), maxlen=_KEPT)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._out = file.open("a")
        self._full = False

    @property
    def last_seq(self) -> int:
        return self._events[-1].seq if self._events else 0

    def append(self, events: Iterable[Event]) -> None:
        """Write events down. A disk that is full is said once and stops nobody."""
        kept = [event for event in events if not isinstance(event.body, Progress)]
        self._events.extend(kept)
        try:
            self._out.writelines(_line(event) for event in kept)
            self._out.flush()
            if self._out.tell() > _LARGEST:
                self._shorten()
            self._full = False
        except OSError as exc:
            if not self._full:
                log.warning("cannot write the journal %s: %s", self._file, exc)
            self._full = True

    def find(self, seq: int) -> Event | None:
        """The event with this seq, if it is still known."""
        if not self._events or seq < self._events[0].seq:
            return None
        return next((event for event in self._events if event.seq == seq), None)

    def since(self, seq: int) -> tuple[Event, ...]:
        """Every known event after `seq`."""
        return tuple(event for event in self._events if event.seq > seq)

    def close(self) -> None:
        self._out.close()

    def _shorten(self) -> None:
        self._out.close()
        half = list(self._events)[-_KEPT // 2 :]
        new = self._file.with_suffix(".new")
        new.write_text("".join(_line(event) for event in half))
        new.replace(self._file)
        self._out = self._file.open("a")


def _line(event: Event) -> str:
    return json.dumps(encode(event, saved_only=True), separators=(",", ":")) + "\n"


def _read(file: Path) -> list[Event]:
    events = []
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            events.append(decode(Event, json.loads(line)))
        except (DecodeError, ValueError):
            # The last line may be torn: its writer was killed in the middle of it.
            log.info("a line of %s is unreadable and was left out", file)
    return events
