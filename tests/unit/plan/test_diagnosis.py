"""Where trouble begins, and the line that says so, in what real runtimes wrote when they ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devbox.domain.spec import Need, Origin, ProcessRun, ServiceSpec, Unit, UnitKey
from devbox.domain.status import Failure, FailureKind, Health, Hold, Intent, Phase
from devbox.plan.diagnosis import diagnose, ending_in_words, error_line, try_next
from devbox.plan.state import State, UnitState

OUTPUTS = Path(__file__).parent / "outputs"


@pytest.mark.parametrize(
    ("runtime", "line"),
    [
        (
            "py",
            "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("node", "TypeError: Cannot read properties of null (reading 'foo')"),
        ("java", 'Exception in thread "main" java.lang.IllegalStateException: no table orders'),
        ("go", "panic: assignment to entry in nil map"),
        (
            "rust",
            "thread 'main' (8528) panicked at a.rs:1:73: "
            'called `Result::unwrap()` on an `Err` value: "no table orders"',
        ),
    ],
)
def test_the_line_that_says_it_is_picked_out_of_a_traceback(runtime: str, line: str) -> None:
    assert error_line((OUTPUTS / f"{runtime}.txt").read_text().splitlines()) == line


def test_plain_words_of_trouble_are_found_and_calm_lines_are_not() -> None:
    assert error_line(["listening", "could not open: Permission denied", "bye"]) == "could not open: Permission denied"
    assert error_line(["listening on 8000", "served 3 requests"]) == ""


def unit(name: str, *, phase: Phase = Phase.IDLE, failure: Failure | None = None) -> UnitState:
    return UnitState(UnitKey(name), intent=Intent.RUN, phase=phase, failure=failure)


FAILED = Failure(FailureKind.EXITED, "exited with 127", exit_code=127)


def test_a_dependency_of_a_dependency_is_named_as_the_first_cause() -> None:
    units = [unit("web"), unit("api"), unit("db", phase=Phase.FAILED, failure=FAILED)]
    state = State({each.key: each for each in units})
    holds = {UnitKey("web"): Hold("web", "api", "waits"), UnitKey("api"): Hold("api", "db", "waits")}
    found = diagnose(state, holds, units[0])
    assert (found.culprit, found.first_cause) == ("db", "exited with 127 (its command was not found)")
    assert "devbox logs db" in try_next(units[2])


def running(name: str, *needs: str, **known: Any) -> UnitState:
    spec = ServiceSpec(name, ProcessRun((), "/"), Origin("", 1, 1), needs=tuple(map(Need, needs)))
    return UnitState(
        UnitKey(name), Unit(UnitKey(name), spec, ""), intent=Intent.RUN, **{"phase": Phase.RUNNING, "cause": 1, **known}
    )


def culprit_of(asked: UnitState, *others: UnitState) -> str:
    return diagnose(State({each.key: each for each in (asked, *others)}), {}, asked).culprit


def test_trouble_that_came_after_a_dependencys_is_the_dependencys() -> None:
    sick = running("api", "db", health=Health.UNHEALTHY, cause=9)
    assert culprit_of(sick, running("db", phase=Phase.FAILED, failure=FAILED, cause=8)) == "db"
    assert culprit_of(sick, running("db", phase=Phase.FAILED, failure=FAILED, cause=10)) == "api"
    assert culprit_of(sick, running("db", phase=Phase.BACKOFF, failure=FAILED, cause=10, attempts=3)) == "db"
    assert culprit_of(sick, running("db", health=Health.HEALTHY, cause=8)) == "api"
    assert culprit_of(sick, running("db", phase=Phase.COMPLETED, cause=8)) == "api"
    stopped = replace(running("db", phase=Phase.IDLE, since=5.0, why="devbox stop"), intent=Intent.STOP)
    assert culprit_of(sick, stopped) == "db"


def test_what_was_killed_has_a_cause_of_its_own() -> None:
    killed = Failure(FailureKind.KILLED, "killed by SIGKILL from outside", signal=9)
    fell = running("api", "db", phase=Phase.FAILED, failure=killed, cause=9)
    assert culprit_of(fell, running("db", health=Health.UNHEALTHY, cause=8)) == "api"


def test_a_circle_of_waits_ends() -> None:
    units = [unit("a"), unit("b")]
    state = State({each.key: each for each in units})
    holds = {UnitKey("a"): Hold("a", "b", "waits"), UnitKey("b"): Hold("b", "a", "waits")}
    assert diagnose(state, holds, units[0]).culprit == ""


def test_what_is_well_has_no_first_cause() -> None:
    well = UnitState(UnitKey("a"), intent=Intent.RUN, phase=Phase.RUNNING, health=Health.HEALTHY)
    assert diagnose(State({well.key: well}), {}, well).first_cause == ""
    assert try_next(well) == ""


def test_exit_codes_have_words() -> None:
    assert "SIGSEGV" in ending_in_words(139)
    assert ending_in_words(1) == ending_in_words(None) == ""


def test_a_crash_is_not_laid_at_the_door_of_somebody_else() -> None:
    killed = Failure(FailureKind.KILLED, "crashed (SIGSEGV)", signal=11)
    crashed = unit("api", phase=Phase.FAILED, failure=killed)
    found = diagnose(State({crashed.key: crashed}), {}, crashed)
    assert found.first_cause == "crashed (SIGSEGV)"
    assert try_next(crashed).startswith("api crashed by itself")
