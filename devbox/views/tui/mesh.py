"""What the panel knows of the mesh: the frames that came, put together. Nothing here decides anything."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace

from devbox.control.protocol import (
    Bye,
    Changed,
    Frame,
    Measured,
    OutagesChanged,
    PendingChange,
    PendingChanged,
    Row,
    Snapshot,
)
from devbox.domain.event import Event, Progress
from devbox.domain.instance import Outage, Sample
from devbox.domain.spec import Group, UnitKey
from devbox.domain.status import Phase
from devbox.views.words import ICONS, size

HISTORY = 10
"""How many measurements of a replica are kept, for its sparkline."""

KEPT_EVENTS = 5000

_GROUPS = {group: place for place, group in enumerate(Group)}
_STATES = {state: place for place, state in enumerate(ICONS)}


@dataclass
class Mesh:
    """The mesh as far as the frames tell.

    `trouble` says why nothing is heard of the supervisor; empty while it is, and until the first attempt. `known` is
    whether a snapshot ever came. `as_of` is when it was recorded, where this is no mesh that runs.
    """

    project: str
    as_of: float | None = None
    known: bool = False
    connected: bool = False
    trouble: str = ""
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    outages: tuple[Outage, ...] = ()
    pending: PendingChange | None = None
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    _rows: dict[str, Row] = field(default_factory=dict)
    _samples: dict[str, deque[Sample]] = field(default_factory=dict)
    _progress: dict[UnitKey, str] = field(default_factory=dict)

    def apply(self, frame: Frame) -> None:
        """Take in what a frame tells."""
        match frame:
            case Snapshot():
                self._begin(frame)
            case Changed():
                self._change(frame)
            case OutagesChanged(outages):
                self.outages = outages
            case PendingChanged(pending):
                self.pending = pending
            case Measured(samples):
                for name, sample in samples.items():
                    self._note(name, sample)
            case Bye(reason):
                self.lost(f"The supervisor of {self.project} ended: {reason}")

    def lost(self, trouble: str) -> None:
        """Nothing more is heard of the supervisor. What was said first stands: later attempts only fail the same."""
        self.connected = False
        self.trouble = self.trouble or trouble[:1].upper() + trouble[1:]

    @property
    def rows(self) -> list[Row]:
        """Every replica: databases first, then services, then jobs; by name within each."""
        return sorted(self._rows.values(), key=lambda row: (_GROUPS[row.group], row.service, row.replica))

    def row(self, name: str | None) -> Row | None:
        """The replica of that `Row.name`, if there is one."""
        return self._rows.get(name) if name is not None else None

    def samples(self, row: Row) -> tuple[Sample, ...]:
        """What a running replica used lately, latest last."""
        return tuple(self._samples.get(row.name, ())) if row.started_at is not None else ()

    @property
    def runs_containers(self) -> bool:
        """Whether a container engine has to do with this mesh."""
        return any(row.runtime not in ("process", "") for row in self._rows.values())

    def counts(self) -> list[tuple[str, int]]:
        """How many replicas are in each state."""
        counted = Counter(row.state for row in self._rows.values())
        return sorted(counted.items(), key=lambda item: _STATES.get(item[0], len(_STATES)))

    def total(self) -> Sample | None:
        """What all running replicas use together; None until something was measured."""
        latest = [samples[-1] for row in self._rows.values() if (samples := self.samples(row))]
        if not latest:
            return None
        return Sample(sum(sample.cpu for sample in latest), sum(sample.memory for sample in latest))

    def _begin(self, frame: Snapshot) -> None:
        self.project, self.notes, self.files = frame.project, frame.notes, frame.files
        self.outages, self.pending = frame.outages, frame.pending
        self.known = self.connected = True
        self.trouble = ""
        known = self.events[-1].seq if self.events else 0
        self.events.extend(event for event in frame.recent if event.seq > known)
        self._rows.clear()
        self._take(frame.rows)

    def _change(self, frame: Changed) -> None:
        self.events.extend(event for event in frame.events if not isinstance(event.body, Progress))
        self._take(frame.rows)
        self._tell_progress(frame.events)
        for key in frame.gone:
            for name in [
                name for name, row in self._rows.items() if (row.service, row.replica) == (key.service, key.replica)
            ]:
                del self._rows[name]
                self._samples.pop(name, None)

    def _tell_progress(self, events: tuple[Event, ...]) -> None:
        """What is pulled or built says how far it is, in place of the note of its row."""
        for event in events:
            if isinstance(event.body, Progress):
                self._progress[event.body.key] = _figures(event.body)
        for name, row in self._rows.items():
            key = UnitKey(row.service, row.replica)
            if row.status.phase is not Phase.PREPARING:
                self._progress.pop(key, None)
            elif said := self._progress.get(key):
                self._rows[name] = replace(row, note=said)

    def _take(self, rows: tuple[Row, ...]) -> None:
        for row in rows:
            stale = [name for name, old in self._rows.items() if _same(old, row) and name != row.name]
            for name in stale:
                del self._rows[name]
            self._rows[row.name] = row
            if row.sample is not None and not self._samples.get(row.name):
                self._note(row.name, row.sample)

    def _note(self, name: str, sample: Sample) -> None:
        self._samples.setdefault(name, deque(maxlen=HISTORY)).append(sample)


def _figures(progress: Progress) -> str:
    if progress.total is None:
        return progress.text
    return f"{size(progress.done or 0)} of {size(progress.total)} · {progress.text}"


def _same(one: Row, other: Row) -> bool:
    return (one.service, one.replica) == (other.service, other.replica)
