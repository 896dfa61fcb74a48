"""What a start waited for, told from a made history."""

from __future__ import annotations

import pytest

from devbox.domain.event import Body, Event, HealthChanged, IntentChanged, StepFinished, StepStarted
from devbox.domain.instance import Ref
from devbox.domain.spec import UnitKey
from devbox.domain.status import Health, Intent
from devbox.domain.step import Op, Step
from devbox.domain.timing import Timing
from devbox.plan.timings import Asked, timings
from devbox.views.timings import chart

DB, API, WEB = UnitKey("db"), UnitKey("api"), UnitKey("web")


def began(op: Op, key: UnitKey) -> Body:
    return StepStarted(Step(f"{op} {key}", op, key, "test"))


def done(op: Op, key: UnitKey) -> Body:
    return StepFinished(f"{op} {key}", op, key)


def healthy(key: UnitKey) -> Body:
    return HealthChanged(Ref("fake", key.service), key, Health.HEALTHY, "")


WISH = IntentChanged(Intent.RUN, (), "devbox up")
HISTORY: list[tuple[float, Body]] = [
    (50.0, WISH),
    (51.0, began(Op.START, WEB)),
    (52.0, done(Op.START, WEB)),
    (100.0, WISH),
    (100.0, began(Op.PREPARE, DB)),
    (100.0, began(Op.START, WEB)),
    (100.1, done(Op.START, WEB)),
    (102.0, done(Op.PREPARE, DB)),
    (102.0, began(Op.START, DB)),
    (102.5, done(Op.START, DB)),
    (104.0, healthy(DB)),
    (104.0, began(Op.START, API)),
    (104.2, done(Op.START, API)),
    (105.0, healthy(API)),
]
EVENTS = [Event(seq, at, "", 0, body) for seq, (at, body) in enumerate(HISTORY, 1)]
ASKED = {"db": Asked(probed=True), "api": Asked(("web", "db"), probed=True), "web": Asked()}


def of(name: str, events: list[Event] = EVENTS) -> Timing:
    return next(each for each in timings(events, ASKED).services if each.service == name)


def test_each_part_of_a_start_is_told_apart() -> None:
    db = of("db")
    assert (db.waiting, db.prepare, db.start, db.until_ready, db.total) == pytest.approx((0.0, 2.0, 0.5, 1.5, 4.0))
    api = of("api")
    assert (api.waiting, api.prepare, api.start, api.until_ready, api.total) == pytest.approx((4.0, 0.0, 0.2, 0.8, 5.0))


def test_what_was_there_last_is_what_was_waited_for_and_makes_the_chain() -> None:
    assert of("api").waited_for == "db"
    assert of("db").waited_for == ""
    found = timings(EVENTS, ASKED)
    assert found.chain == ("db", "api")
    assert found.seconds == pytest.approx(5.0)


def test_only_the_last_start_counts() -> None:
    assert of("web").total == pytest.approx(0.1)


def test_one_that_is_not_ready_yet_says_so() -> None:
    assert not of("api", EVENTS[:-1]).ready
    assert of("web", EVENTS[:-1]).ready


def test_nothing_started_gives_an_empty_answer() -> None:
    assert timings(EVENTS[4:], ASKED).services == ()
    assert chart(timings([], ASKED)) == "nothing was started yet"


def test_the_chart_is_on_one_scale_and_fits_a_terminal() -> None:
    lines = chart(timings(EVENTS, ASKED)).splitlines()
    assert lines[2] == f"db   {'░' * 12}{'▒' * 3}{'█' * 9}{' ' * 6}   4.00 s"
    assert lines[3] == f"api  {'·' * 24}▒{'█' * 5}   5.00 s  4.00 s for db"
    assert lines[-1] == "5.00 s, decided by db → api"
    assert all(len(line) <= 80 for line in lines)
