"""All that is known of a mesh at one moment. Only `engine.reduce` makes a new one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from devbox.domain.doors import goes_green, wakes_on_demand
from devbox.domain.instance import Observed, Outage, Ref
from devbox.domain.spec import Need, Unit, UnitKey, Until
from devbox.domain.status import Failure, Health, Hold, Intent, Phase, Status
from devbox.domain.step import Step

CRASH_LOOP = 5
"""So many ends in a row, each after a short life, are called a crash loop."""


@dataclass(frozen=True, slots=True)
class Condemned:
    """An instance that is to be replaced though it is as the manifest wants it: somebody asked for it."""

    ref: Ref
    cause: str
    event: int


@dataclass(frozen=True, slots=True)
class Beside:
    """A new instance that takes over from the one that serves as soon as it is ready."""

    ref: Ref
    health: Health
    probe_output: str = ""

    @property
    def ready(self) -> bool:
        return self.health in (Health.NONE, Health.HEALTHY)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A new instance that did not come to take over: what it was to be, and why it did not."""

    fingerprint: str
    why: str
    event: int


@dataclass(frozen=True, slots=True)
class UnitState:
    """What is known of one replica.

    `unit` is what it shall be; None until a manifest said so. `dropped`: the manifest no longer has it. `instances` are
    the live ones and the last dead one. `prepared` is the fingerprint its preparation was done for. `attempts` counts
    ends in a row after a short life; `retry_at` is when the next start may come. `why` and `cause` are the words and
    the seq of the event that brought it where it is. `beside` is a new instance on its way to take over from the
    current one; `rejected` tells of the last one that did not. One that is `asleep` waits for its first connection, or
    for the next. `reload` is the seq of the change of files that had it started anew, as long as it has not lived long
    since.
    """

    key: UnitKey
    unit: Unit | None = None
    dropped: bool = False
    intent: Intent = Intent.STOP
    phase: Phase = Phase.IDLE
    health: Health = Health.NONE
    probe_output: str = ""
    instances: tuple[Observed, ...] = ()
    step: Step | None = None
    condemned: tuple[Condemned, ...] = ()
    prepared: str = ""
    attempts: int = 0
    restarts: int = 0
    retry_at: float | None = None
    failure: Failure | None = None
    since: float = 0.0
    why: str = ""
    cause: int = 0
    stop_signal: str | None = None
    stop_grace: float | None = None
    beside: Beside | None = None
    rejected: Rejected | None = None
    asleep: bool = False
    reload: int = 0
    spent: tuple[Ref, ...] = ()

    @property
    def wanted(self) -> bool:
        return self.intent is Intent.RUN and not self.dropped

    @property
    def live(self) -> tuple[Observed, ...]:
        return tuple(instance for instance in self.instances if instance.alive)

    @property
    def current(self) -> Observed | None:
        """The instance that counts: the newest live one that does not wait to take over, else the newest of all."""
        waiting = self.beside.ref if self.beside else None
        candidates = [i for i in self.live if i.ref != waiting] or list(self.live or self.instances)
        return max(reversed(candidates), key=lambda instance: instance.started_at, default=None)

    @property
    def runtimes(self) -> frozenset[str]:
        """What runs it, and what shall: the names of the runtimes that any step of it needs."""
        names = {instance.ref.runtime for instance in self.instances}
        return frozenset(names | ({self.unit.spec.runtime} if self.unit else set()))

    @property
    def needs(self) -> tuple[Need, ...]:
        return self.unit.spec.needs if self.unit else ()

    @property
    def successor(self) -> Observed | None:
        """The live instance that waits to take over from the current one."""
        return next((i for i in self.live if self.beside and i.ref == self.beside.ref), None)

    @property
    def goes_green(self) -> bool:
        """Whether its instances serve until their successor is ready."""
        return self.unit is not None and goes_green(self.unit.spec)

    @property
    def on_demand(self) -> bool:
        """Whether it starts at the first connection to its port."""
        return self.unit is not None and wakes_on_demand(self.unit.spec)

    @property
    def keeps_serving(self) -> bool:
        """Whether the current instance can serve until a successor is ready."""
        current = self.current
        return self.goes_green and self.ready and current is not None and bool(current.private)

    @property
    def ready(self) -> bool:
        """It runs, and nothing says that it is not well."""
        return self.phase is Phase.RUNNING and self.health in (Health.NONE, Health.HEALTHY) and not self.paused

    @property
    def paused(self) -> bool:
        """It is there, frozen."""
        return self.current is not None and self.current.alive and self.current.paused

    @property
    def at_rest(self) -> bool:
        """Nothing of it runs, and nothing is on its way to."""
        return not self.live and (not self.wanted or self.phase in (Phase.COMPLETED, Phase.FAILED))

    @property
    def crash_looping(self) -> bool:
        return self.attempts >= CRASH_LOOP and self.phase is not Phase.COMPLETED

    def stale(self) -> tuple[Observed, ...]:
        """Live instances that are not as the manifest or a person wants them."""
        condemned = {each.ref for each in self.condemned}
        wanted = self.unit.fingerprint if self.unit else None
        return tuple(i for i in self.live if i.ref in condemned or i.fingerprint != wanted)

    def meets(self, until: Until) -> bool:
        """Whether a dependent that waits for `until` may go on. What is about to be stopped is not counted on."""
        if not self.wanted:
            return False
        if until is Until.COMPLETED:
            return self.phase is Phase.COMPLETED
        if self.asleep:
            return True
        if until is Until.STARTED:
            return self.phase in (Phase.RUNNING, Phase.COMPLETED)
        return self.ready and (not self.condemned or self.keeps_serving)

    def status(self, hold: Hold | None) -> Status:
        return Status(
            intent=self.intent,
            phase=self.phase,
            health=self.health,
            hold=hold,
            restarts=self.restarts,
            since=self.since,
            failure=self.failure,
        )


@dataclass(frozen=True, slots=True)
class State:
    """The mesh: its replicas by key, as of event `seq`. `outages` are the runtimes out of reach, by name."""

    units: Mapping[UnitKey, UnitState] = field(default_factory=dict)
    seq: int = 0
    outages: Mapping[str, Outage] = field(default_factory=dict)

    def __iter__(self) -> Iterator[UnitState]:
        return iter(self.units.values())

    def with_units(self, changed: Iterable[UnitState]) -> State:
        """This state with some replicas as given."""
        return replace(self, units={**self.units, **{unit.key: unit for unit in changed}})

    def outage_of(self, unit: UnitState) -> Outage | None:
        """What keeps anything from being done with a replica: a runtime of its that cannot be reached."""
        return next((self.outages[name] for name in sorted(unit.runtimes) if name in self.outages), None)

    def of_service(self, service: str) -> tuple[UnitState, ...]:
        return tuple(unit for unit in self if unit.key.service == service)

    def services(self) -> frozenset[str]:
        return frozenset(key.service for key in self.units)

    def needs(self) -> dict[str, tuple[str, ...]]:
        """For each service the names of those it needs."""
        return {unit.key.service: tuple(need.service for need in unit.needs) for unit in self}
