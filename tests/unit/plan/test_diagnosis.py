"""Where trouble begins, and the line that says so, in what real runtimes wrote when they ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from devbox.domain.spec import UnitKey
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
