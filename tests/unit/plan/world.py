"""A small faithful world for the planner: it carries out steps, and lets things go wrong when it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from devbox.domain.doors import has_door
from devbox.domain.event import (
    Body,
    Event,
    HealthChanged,
    InstanceGone,
    InstanceSeen,
    IntentChanged,
    RestartRequested,
    Slept,
    SpecApplied,
    StepFailed,
    StepFinished,
    StepStarted,
    Woken,
    service_of,
)
from devbox.domain.instance import Observed, Ref
from devbox.domain.spec import (
    Need,
    OnDemand,
    Origin,
    Port,
    Probe,
    ProcessRun,
    Reference,
    Reload,
    Restart,
    RestartPolicy,
    ServiceSpec,
    TcpCheck,
    Template,
    Unit,
    UnitKey,
)
from devbox.domain.status import Failure, FailureKind, Health, Intent, Phase
from devbox.domain.step import Op, Step
from devbox.engine.reduce import reduce
from devbox.plan.fingerprint import fingerprint
from devbox.plan.reconcile import Decision, next_deadline, reconcile
from devbox.plan.state import State

PLACE = Origin("devbox.yaml", 1, 1)


def service(
    name: str,
    *needs: Need,
    version: int = 1,
    probe: bool = False,
    policy: RestartPolicy = RestartPolicy.NO,
    replicas: int = 1,
    door: bool = False,
    on_demand: bool = False,
) -> ServiceSpec:
    """A service whose behaviour changes with `version`. With `door` it takes its port from devbox, and goes green."""
    port = Template((Reference(name, "port"),))
    return ServiceSpec(
        name=name,
        run=ProcessRun(argv=(Template.of(name), Template.of(str(version)), port), working_dir="/"),
        ports=(Port(8080, 8080),) if door or on_demand else (),
        reload=Reload.GREEN if door else Reload.RESTART,
        on_demand=OnDemand(60.0) if on_demand else None,
        origin=PLACE,
        needs=needs,
        probe=Probe(TcpCheck()) if probe else None,
        restart=Restart(policy),
        replicas=replicas,
    )


def units_of(*services: ServiceSpec) -> tuple[Unit, ...]:
    """The units of services without references or ports."""
    return tuple(
        Unit(UnitKey(spec.name, number + 1), spec, fingerprint(spec))
        for spec in services
        for number in range(spec.replicas)
    )


@dataclass
class World:
    """The state, what really runs, and the steps under way. Each method is something that happens."""

    state: State = field(default_factory=State)
    now: float = 1000.0
    instances: dict[Ref, Observed] = field(default_factory=dict)
    under_way: dict[str, Step] = field(default_factory=dict)
    behind_doors: set[str] = field(default_factory=set)
    started: int = 0
    log: list[Event] = field(default_factory=list)

    def tell(self, body: Body, cause: int = 0) -> None:
        """Let a fact enter, then let the planner start what may start."""
        self._enter(body, cause)
        self.plan()

    def plan(self) -> Decision:
        """Start every step that may start; the decision after that."""
        for step in reconcile(self.state, self.now).plan.ready():
            self._check_start(step)
            self.under_way[step.id] = step
            unit = self.state.units[step.key].unit
            (self.behind_doors.add if unit and has_door(unit.spec) else self.behind_doors.discard)(step.id)
            self._enter(StepStarted(step), step.event)
        return reconcile(self.state, self.now)

    def finish(self, step: Step) -> None:
        """A step under way is done."""
        del self.under_way[step.id]
        seen: Observed | None = None
        if step.op is Op.START:
            self.started += 1
            if step.ref is not None:
                self.instances.pop(step.ref, None)
            seen = Observed(
                Ref("fake", f"{step.key}.{self.started}"),
                step.key,
                step.fingerprint,
                True,
                self.now,
                pid=self.started,
                private=((8080, self.started),) if step.id in self.behind_doors else (),
            )
            self.instances[seen.ref] = seen
        elif step.op is Op.STOP and step.ref in self.instances:
            live = self.instances[step.ref]
            seen = replace(live, alive=False, finished_at=self.now, signal=15) if live.alive else live
            self.instances[step.ref] = seen
        elif step.op is Op.REMOVE and step.ref is not None:
            self.instances.pop(step.ref, None)
        self.tell(StepFinished(step.id, step.op, step.key, seen))

    def fail(self, step: Step) -> None:
        """A step under way turns out impossible."""
        del self.under_way[step.id]
        self.tell(StepFailed(step.id, step.op, step.key, Failure(FailureKind.INTERNAL, "it cannot be done")))

    def cancel(self, step: Step) -> None:
        """A step under way was given up."""
        del self.under_way[step.id]
        self.tell(StepFailed(step.id, step.op, step.key, None))

    def end(self, instance: Observed, exit_code: int) -> None:
        """A process ends by itself."""
        dead = replace(instance, alive=False, finished_at=self.now, exit_code=exit_code)
        self.instances[instance.ref] = dead
        self.tell(InstanceSeen(dead))

    def vanish(self, instance: Observed) -> None:
        """Somebody removes an instance behind our back."""
        del self.instances[instance.ref]
        self.tell(InstanceGone(instance.ref, instance.key))

    def health(self, instance: Observed, health: Health) -> None:
        self.tell(HealthChanged(instance.ref, instance.key, health, "said the probe"))

    def knock(self, service: str) -> None:
        """Somebody connects to a service's door."""
        for unit in self.state.of_service(service):
            if unit.asleep:
                for instance in unit.live:
                    self.instances[instance.ref] = replace(instance, paused=False)
                self.tell(Woken(unit.key, "a connection"))

    def sleep(self, service: str) -> None:
        """Nobody has connected for long."""
        for unit in self.state.of_service(service):
            if unit.on_demand and unit.ready and unit.current is not None:
                self.instances[unit.current.ref] = replace(unit.current, paused=True)
                self.tell(Slept(unit.key, unit.current.ref, "nobody came"))

    def want(self, intent: Intent, *services: str) -> None:
        self.tell(IntentChanged(intent, services, "a test"))

    def restart(self, *services: str) -> None:
        self.tell(RestartRequested(services, "a test"))

    def apply(self, *services: ServiceSpec) -> None:
        self.tell(SpecApplied(("devbox.yaml",), (), units_of(*services)))

    def new_supervisor(self) -> None:
        """The supervisor is killed: what is known is lost, what runs goes on, steps under way come to nothing."""
        self.state = State(seq=self.state.seq)
        self.under_way.clear()
        for instance in list(self.instances.values()):
            self.tell(InstanceSeen(instance))

    def live(self) -> list[Observed]:
        return [instance for instance in self.instances.values() if instance.alive]

    def settle(self) -> Decision:
        """Let everything under way succeed, every probe pass and time go by, until nothing moves any more."""
        for _ in range(2000):
            if self.under_way:
                self.finish(next(iter(self.under_way.values())))
                continue
            new = [i for u in self.state if (i := u.successor) and u.beside and u.beside.health is Health.STARTING]
            if new:
                self.health(new[0], Health.HEALTHY)
                continue
            unwell = [u for u in self.state if u.phase is Phase.RUNNING and u.health in _NOT_WELL and u.current]
            if unwell and unwell[0].current is not None:
                self.health(unwell[0].current, Health.HEALTHY)
                continue
            decision = self.plan()
            if self.under_way:
                continue
            later = next_deadline(self.state, self.now)
            if later is None:
                return decision
            self.now = later + 0.001
        raise AssertionError("the mesh does not come to rest")

    def _enter(self, body: Body, cause: int = 0) -> None:
        event = Event(self.state.seq + 1, self.now, service_of(body), cause, body)
        self.state = reduce(self.state, event)
        self.log.append(event)

    def _check_start(self, step: Step) -> None:
        """What must hold whenever a step is started."""
        assert step.id not in self.under_way, f"{step.id} is started twice"
        unit = self.state.units[step.key]
        if step.op is Op.START:
            assert not unit.live or step.beside, f"{step.key} is started though it runs"
            assert len(unit.live) < 2, f"{step.key} is started a third time"
            for need in unit.needs:
                for other in self.state.of_service(need.service):
                    assert other.meets(need.until), f"{step.key} is started before {need.service} is {need.until}"
        if step.op is Op.STOP and unit.wanted and unit.keeps_serving and unit.current is not None:
            assert step.ref != unit.current.ref, f"{step.key} is stopped though it serves"
        if step.op is Op.STOP and not unit.wanted:
            for other in self.state:
                depends = any(need.service == step.key.service for need in other.needs)
                assert not (depends and not other.wanted and other.live), f"{step.key} is stopped before {other.key}"


_NOT_WELL = (Health.STARTING, Health.UNHEALTHY)
