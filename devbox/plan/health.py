"""From probe results to a verdict on an instance."""

from __future__ import annotations

from dataclasses import dataclass

from devbox.domain.measure import ProbeResult
from devbox.domain.spec import Probe
from devbox.domain.status import Health

_FIRST_PAUSE = 0.02
_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the probes of one instance have said so far.

    `failures` counts those in a row that count; `counted_at` is when the last of them was (seconds of life); `probes`
    is how many there were in all; `ever_well` tells whether one of them succeeded.
    """

    health: Health = Health.STARTING
    failures: int = 0
    counted_at: float | None = None
    probes: int = 0
    ever_well: bool = False


def judge(probe: Probe, pulse: Pulse, result: ProbeResult, age: float) -> Pulse:
    """The pulse after `result`, which came `age` seconds after the instance started.

    Until the first success, probes come faster than the manifest says, to notice readiness early. Their failures count
    only at the pace of `interval`, and only once `start_period` is over, so that being early costs nothing. An assumed
    probe gives up then: perhaps nothing is meant to listen there. It still notices whoever does so later.
    """
    probes = pulse.probes + 1
    if result.ok:
        return Pulse(Health.HEALTHY, 0, None, probes, True)
    if not pulse.ever_well and (age < probe.start_period or _too_soon(probe, pulse, age)):
        return Pulse(pulse.health, pulse.failures, pulse.counted_at, probes, False)
    if probe.assumed and not pulse.ever_well:
        return Pulse(Health.NONE, 0, age, probes, False)
    failures = pulse.failures + 1
    health = Health.UNHEALTHY if failures >= probe.retries else pulse.health
    return Pulse(health, failures, age, probes, pulse.ever_well)


def _too_soon(probe: Probe, pulse: Pulse, age: float) -> bool:
    # The first probe that the manifest asks for comes one interval after the start.
    return age - (pulse.counted_at or 0.0) < probe.interval


def next_pause(probe: Probe, pulse: Pulse) -> float:
    """Seconds until the next probe: quickening up front, `start_interval` until the first success, then `interval`."""
    if pulse.ever_well or pulse.health is Health.NONE:
        return probe.interval
    return min(probe.start_interval, probe.interval, _FIRST_PAUSE * _GROWTH ** min(pulse.probes, 20))
