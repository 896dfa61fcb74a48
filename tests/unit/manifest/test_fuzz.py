"""A few seconds of what `make fuzz` does for minutes."""

from __future__ import annotations

from tests.fuzz.reading import run


def test_whatever_happens_to_a_manifest_it_is_read_or_explained() -> None:
    done = run(seed=20, count=1500, seconds=15)
    assert done.read > 100
    assert 0 < done.good < done.read
