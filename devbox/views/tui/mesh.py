"""What the panel knows of the mesh: finished rows as they came, and what happened last."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from devbox.control.protocol import Changed, Frame, Measured, Row, Snapshot
from devbox.domain.event import Event
from devbox.domain.instance import Sample
from devbox.domain.spec import Group, UnitKey

_GROUPS = (Group.DATABASE, Group.SERVICE, Group.JOB)
_EVENTS_KEPT = 2000

UNWELL = frozenset({"unhealthy", "failed", "crashing", "backoff", "waiting"})
"""States whose note a person should see without asking."""


@dataclass
class Mesh:
    """The last known rows by replica, samples by row name, and the latest events."""

    project: str
    rows: dict[UnitKey, Row] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=_EVENTS_KEPT))
    loaded: bool = False

    def take(self, frame: Frame) -> bool:
        """Take a frame in; whether the set of rows is another than before."""
        before = self.rows.keys() | set()
        match frame:
            case Snapshot():
                self.rows = {UnitKey(row.service, row.replica): row for row in frame.rows}
                self.loaded = True
            case Changed():
                self.rows |= {UnitKey(row.service, row.replica): row for row in frame.rows}
                for key in frame.gone:
                    self.rows.pop(key, None)
                self.events.extend(frame.events)
            case Measured(samples):
                self.samples = samples
        return self.rows.keys() != before

    def listed(self, pattern: str = "") -> list[Row]:
        """The rows in the order of the list: by group, then as the manifest has them; only those that match."""
        wanted = pattern.lower()
        chosen = [row for row in self.rows.values() if wanted in row.name.lower() or wanted in row.state]
        return sorted(chosen, key=lambda row: _GROUPS.index(row.group))

    def counts(self) -> list[tuple[str, int]]:
        """How many replicas are in which state, the most frequent first."""
        return Counter(row.state for row in self.rows.values()).most_common()

    def unwell(self) -> list[Row]:
        """Rows that need a word."""
        return [row for row in self.listed() if row.state in UNWELL and row.note]

    def total(self) -> Sample:
        """CPU and memory of all together."""
        return Sample(sum(s.cpu for s in self.samples.values()), sum(s.memory for s in self.samples.values()))
