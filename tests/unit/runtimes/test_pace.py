"""How a copier paces itself: the engine must never stand still for it, and no line costs a turn of its own."""

from __future__ import annotations

import pytest

from devbox.runtimes.docker.logs import Pace

SOCKET = 33 << 10
"""Bytes of short lines that fit between the engine and its reader."""

TURN = 50e-6
"""Seconds that a read takes besides."""


@pytest.mark.parametrize("rate", [200_000, 1_000_000, 5_000_000, 15_000_000, 30_000_000])
def test_a_steady_stream_is_never_held_up_and_comes_in_good_pieces(rate: int) -> None:
    now, waited = 0.0, 0.001
    pace, came = Pace(now), 0
    for _ in range(500):
        now += waited
        came = int(rate * waited)
        assert came <= SOCKET
        waited = pace.after(came, now) + TURN
    assert came > min(rate * 0.009, 8 << 10)


def test_a_quiet_stream_loses_little_and_one_that_bursts_is_caught_up_with() -> None:
    pace = Pace(0.0)
    assert max(pace.after(100, float(second)) for second in range(1, 50)) <= 0.01
    assert pace.after(SOCKET, 50.0) == 0.0
    assert pace.after(SOCKET // 4, 50.002) < 0.004
