"""What replicas use is measured always, and kept for a quarter of an hour."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devbox.domain.errors import UsageError
from devbox.domain.instance import Sample
from devbox.domain.measure import MetricsHistory
from devbox.domain.spec import UnitKey
from devbox.engine.metrics import Recorder, _History
from tests.unit.engine.test_loop import bench
from tests.unit.plan.world import service


async def test_what_lives_is_measured_though_nobody_watches(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        recorder = it.engine.metrics = Recorder(it.engine.runtimes, every=0.01)
        rounds: asyncio.Queue[int] = asyncio.Queue()
        recorder.listen(lambda samples: rounds.put_nowait(len(samples)))
        running = asyncio.create_task(recorder.run(lambda: it.engine.state))
        assert await it.up(service("db"), service("api")) == []
        while await rounds.get() < 2:
            pass
        history = it.control.metrics("api")
        assert history.cpu == (1.0,) * len(history.times)
        assert history.memory[-1] == 1 << 20
        assert history.net_rx == ()
        assert history.restarts == 0
        with pytest.raises(UsageError, match="api has no replica 2"):
            it.control.metrics("api", 2)
        running.cancel()


def test_a_history_keeps_a_quarter_of_an_hour_and_no_more() -> None:
    history = _History()
    for number in range(2000):
        history.note(float(number), Sample(cpu=number, memory=1, memory_limit=5))
    told = history.told()
    assert told.times[-1] - told.times[0] == 449
    assert told.cpu[-1] == 1999
    assert told.memory_limit == 5
    assert len(history.times) <= 500


def test_a_value_missing_once_is_nothing_and_missing_always_is_no_series() -> None:
    history = _History()
    history.note(1.0, Sample(0.0, 1, net_rx=None))
    history.note(2.0, Sample(0.0, 1, net_rx=7.5))
    assert history.told().net_rx == (0.0, 7.5)
    assert history.told().disk_read == ()


def test_what_was_never_measured_has_an_empty_history() -> None:
    assert Recorder({}).history(UnitKey("nobody")) == MetricsHistory()
