"""What was encoded decodes to an equal value, and what does not fit is said."""

from __future__ import annotations

import json

import pytest

from devbox.control.protocol import Changed, Command, Frame, OutagesChanged, Row, Snapshot
from devbox.domain.codec import DecodeError, decode, encode
from devbox.domain.event import Event, InstanceSeen, SpecApplied, StepStarted
from devbox.domain.instance import Observed, Outage, Ref, Sample
from devbox.domain.spec import (
    AppSpec,
    EnvVar,
    ExecCheck,
    Group,
    Need,
    Origin,
    Port,
    Probe,
    ProcessRun,
    Reference,
    ServiceSpec,
    Template,
    Unit,
    UnitKey,
)
from devbox.domain.status import Health, Hold, Intent, Phase, Status
from devbox.domain.step import Op, Step

SPEC = ServiceSpec(
    name="api",
    run=ProcessRun(argv=(Template(("serve ", Reference("db", "url"))),), working_dir="/srv"),
    origin=Origin("devbox.yaml", 3, 5),
    env=(EnvVar("PASSWORD", Template.of("hunter2"), secret=True),),
    ports=(Port(8000),),
    needs=(Need("db"),),
    probe=Probe(ExecCheck((Template.of("true"),))),
)
ROW = Row(
    service="api",
    replica=1,
    replicas=1,
    runtime="process",
    group=Group.SERVICE,
    status=Status(Intent.RUN, Phase.IDLE, Health.NONE, Hold("api", "db", "waits for db"), 2, 3.5),
    state="waiting",
    sample=Sample(1.5, 1024),
)
SEEN = Observed(Ref("process", "api-1.x"), UnitKey("api"), "f", True, 1.5, pid=7)


def through_json(value: object) -> object:
    return json.loads(json.dumps(encode(value)))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (AppSpec, AppSpec("shop", "/srv", ("/srv/devbox.yaml",), (SPEC,))),
        (Event, Event(1, 2.0, "api", 0, InstanceSeen(SEEN, ("last words",)))),
        (Event, Event(1, 2.0, "api", 0, StepStarted(Step("start:api-1", Op.START, UnitKey("api"), "why")))),
        (Row, ROW),
        (Frame, Snapshot(1, "shop", (), 3, (ROW,))),
        (Frame, Changed(1, (), (ROW,), (UnitKey("api"),))),
        (Frame, OutagesChanged((Outage("docker", "unix:///s", "no engine", "start it"),))),
    ],
)
def test_round_trip(kind: type, value: object) -> None:
    assert decode(kind, through_json(value)) == value


def test_secrets_are_left_out_of_what_is_saved() -> None:
    event = Event(1, 2.0, "", 0, SpecApplied((), ("api",), (Unit(UnitKey("api"), SPEC, "f"),)))
    assert "hunter2" not in json.dumps(encode(event, saved_only=True))
    assert "hunter2" in json.dumps(encode(event))


@pytest.mark.parametrize("data", [None, 3, [], {}, {"action": "fly"}, {"action": "up", "services": 3}])
def test_what_does_not_fit_is_an_error(data: object) -> None:
    with pytest.raises(DecodeError):
        decode(Command, data)
