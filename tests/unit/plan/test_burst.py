"""When changes of files are acted on, and which of them are none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devbox.plan.burst import LONG_QUIET, MANY, PATIENCE, QUIET, SETTLE, Burst, Changes, Kind, note

WRITTEN, CAME, GONE = Kind.WRITTEN, Kind.CAME, Kind.GONE


def add(
    burst: Burst, at: float, changes: Changes, contents: dict[str, int] | None = None, compare: bool = True
) -> None:
    burst.add(changes, contents or {}, at, compare=compare)


def acted(burst: Burst, until: float) -> dict[float, tuple[str, ...]]:
    """What is acted on when, if nothing more comes."""
    found = {}
    while (due := burst.due(busy=False)) is not None and due <= until:
        found[due] = burst.take()
    return found


def test_a_save_is_acted_on_at_once() -> None:
    burst = Burst()
    add(burst, 5.0, {"a": WRITTEN})
    assert acted(burst, 9.0) == {5.0: ("a",)}


def test_the_rest_of_a_burst_is_acted_on_together_once_it_is_quiet() -> None:
    burst = Burst()
    add(burst, 1.0, {"a": WRITTEN})
    burst.take()
    for number in range(20):
        add(burst, 1.05 + number / 20, {f"f{number}": WRITTEN})
    assert burst.due(busy=False) == 2.0 + QUIET
    assert len(burst.take()) == 20


def test_the_writer_of_many_may_falter() -> None:
    burst = Burst()
    add(burst, 1.0, {f"f{number}": WRITTEN for number in range(MANY)})
    assert len(burst.take()) == MANY
    add(burst, 1.2, {"a": WRITTEN})
    assert burst.due(busy=False) == 1.2 + LONG_QUIET
    burst.take()
    add(burst, 2.0, {"a": WRITTEN})
    assert burst.due(busy=False) == 2.0, "a save after that is one of its own"
    burst.take()
    add(burst, 2.1, {"a": WRITTEN})
    assert burst.due(busy=False) == 2.1


def test_a_burst_without_end_is_acted_on_now_and_then() -> None:
    burst = Burst()
    add(burst, 0.0, {"a": WRITTEN})
    burst.take()
    for number in range(1, 300):
        add(burst, number / 20, {"a": WRITTEN})
    assert burst.due(busy=False) == 0.05 + PATIENCE


def test_what_is_under_way_comes_first() -> None:
    burst = Burst()
    add(burst, 1.0, {"a": WRITTEN})
    assert burst.due(busy=True) is None
    assert burst.due(busy=False) == 1.0


def test_a_new_file_is_given_a_moment() -> None:
    burst = Burst()
    add(burst, 1.0, {"a": CAME})
    assert acted(burst, 2.0) == {1.0 + SETTLE: ("a",)}


def test_many_new_files_are_acted_on_twice() -> None:
    burst, times = Burst(), []
    for number in range(1000):
        at = number / 1000
        times += acted(burst, at)
        add(burst, at, {f"f{number}": CAME})
    times += acted(burst, 9.0)
    assert times == [SETTLE, 0.999 + LONG_QUIET]


def test_a_file_written_beside_and_moved_into_place_is_one_change_and_at_once() -> None:
    burst = Burst()
    add(burst, 1.0, {"app.XYZ": CAME})
    add(burst, 1.001, {"app.XYZ": GONE, "app": WRITTEN}, {"app": 2})
    assert acted(burst, 2.0) == {1.001: ("app",)}


def test_one_that_is_moved_into_place_unchanged_is_no_change() -> None:
    burst = Burst()
    add(burst, 1.0, {"app": WRITTEN}, {"app": 2})
    burst.take()
    add(burst, 3.0, {"app.XYZ": CAME}, {"app.XYZ": 2})
    add(burst, 3.001, {"app.XYZ": GONE, "app": WRITTEN}, {"app": 2})
    assert acted(burst, 9.0) == {}


def test_one_that_is_moved_away_and_written_again_is_a_change_if_it_is_another() -> None:
    for content, times in ((2, {}), (3, {3.001: ("app",)})):
        burst = Burst()
        add(burst, 1.0, {"app": WRITTEN}, {"app": 2})
        burst.take()
        add(burst, 3.0, {"app": GONE})
        add(burst, 3.001, {"app": CAME}, {"app": content})
        assert acted(burst, 9.0) == times


def test_one_that_is_gone_is_waited_for() -> None:
    burst = Burst()
    add(burst, 1.0, {"a": GONE})
    assert acted(burst, 2.0) == {1.0 + QUIET: ("a",)}


def test_a_change_that_is_taken_back_before_it_is_acted_on_is_none() -> None:
    burst = Burst()
    add(burst, 1.0, {"a": WRITTEN}, {"a": 1})
    burst.take()
    add(burst, 1.01, {"a": WRITTEN}, {"a": 2})
    add(burst, 1.02, {"a": WRITTEN}, {"a": 1})
    assert acted(burst, 9.0) == {}


def test_the_same_is_a_change_for_what_is_not_well() -> None:
    burst = Burst()
    add(burst, 1.0, {"a": WRITTEN}, {"a": 1})
    burst.take()
    add(burst, 2.0, {"a": WRITTEN}, {"a": 1}, compare=False)
    assert acted(burst, 9.0) == {2.0: ("a",)}


def test_what_somebody_else_acted_on_is_acted_on() -> None:
    burst = Burst()
    add(burst, 1.0, {"a": WRITTEN}, {"a": 1})
    burst.settle(("a", "b"))
    add(burst, 2.0, {"a": WRITTEN}, {"a": 1})
    assert burst.due(busy=False) is None


def test_two_changes_of_a_file_are_one() -> None:
    changes: Changes = {}
    note(changes, "a", GONE)
    note(changes, "a", CAME)
    note(changes, "b", CAME)
    note(changes, "b", GONE)
    note(changes, "c", CAME)
    note(changes, "c", WRITTEN)
    assert changes == {"a": WRITTEN, "c": CAME}


@given(
    st.lists(
        st.tuples(st.floats(0, 0.2), st.sampled_from("ab"), st.sampled_from([0, 1, 2, 3]), st.booleans()), max_size=30
    )
)
def test_what_was_acted_on_last_is_how_the_files_are(steps: list[tuple[float, str, int, bool]]) -> None:
    """Whatever is written (1, 2, 3), deleted (0), looked at and acted on when: the last act knew the last state."""
    burst, disk, known, now = Burst(), {"a": 1, "b": 1}, {"a": 1, "b": 1}, 0.0
    for wait, path, content, busy in steps:
        now += wait
        if content or disk[path]:
            kind = GONE if not content else WRITTEN if disk[path] else CAME
            disk[path] = content
            add(burst, now, {path: kind}, {path: content} if content else {})
        if not busy and (due := burst.due(busy=False)) is not None and due <= now:
            known.update({each: disk[each] for each in burst.take()})
    for at, paths in acted(burst, now + 60).items():
        assert at <= now + PATIENCE
        known.update({each: disk[each] for each in paths})
    assert known == disk
