"""From probe results to a verdict."""

from __future__ import annotations

from dataclasses import replace

from devbox.domain.measure import ProbeResult
from devbox.domain.spec import Probe, TcpCheck
from devbox.domain.status import Health
from devbox.plan.health import Pulse, judge, next_pause

PROBE = Probe(TcpCheck(), interval=2.0, retries=3, start_period=10.0, start_interval=0.25)
GOOD, BAD = ProbeResult(0.0, True, 0.01, "ok"), ProbeResult(0.0, False, 0.01, "refused")


ASSUMED = replace(PROBE, assumed=True)


def after(*results: tuple[float, ProbeResult], probe: Probe = PROBE) -> Pulse:
    pulse = Pulse()
    for age, result in results:
        pulse = judge(probe, pulse, result, age)
    return pulse


def test_one_success_is_healthy() -> None:
    assert after((0.1, BAD), (0.2, GOOD)).health is Health.HEALTHY


def test_failures_within_the_start_period_do_not_count() -> None:
    assert after(*((n / 10, BAD) for n in range(99))).health is Health.STARTING


def test_early_probes_count_at_the_pace_of_the_interval_only() -> None:
    assert after(*((10 + n / 10, BAD) for n in range(30))).failures == 2
    assert after((10.0, BAD), (12.0, BAD), (14.0, BAD)).health is Health.UNHEALTHY


def test_after_a_success_every_failure_counts_and_readiness_is_no_latch() -> None:
    well = [(1.0, GOOD)]
    assert after(*well, (2.0, BAD), (3.0, BAD)).health is Health.HEALTHY
    assert after(*well, (2.0, BAD), (3.0, BAD), (4.0, BAD)).health is Health.UNHEALTHY
    assert after(*well, (2.0, BAD), (3.0, BAD), (4.0, BAD), (5.0, GOOD)).health is Health.HEALTHY


def test_probes_quicken_up_front_and_settle_at_the_interval() -> None:
    pauses = [next_pause(PROBE, Pulse(probes=n)) for n in range(20)]
    assert pauses[0] == 0.02
    assert pauses[-1] == PROBE.start_interval
    assert next_pause(PROBE, Pulse(ever_well=True)) == PROBE.interval


def test_an_assumed_probe_that_never_succeeded_says_nothing_once_the_start_period_is_over() -> None:
    assert after((9.9, BAD), probe=ASSUMED).health is Health.STARTING
    given_up = after((9.9, BAD), (10.0, BAD), (12.0, BAD), (14.0, BAD), (16.0, BAD), probe=ASSUMED)
    assert given_up.health is Health.NONE
    assert next_pause(ASSUMED, given_up) == ASSUMED.interval


def test_an_assumed_probe_that_succeeded_once_judges_like_any_other() -> None:
    late = after((11.0, BAD), (13.0, GOOD), probe=ASSUMED)
    assert late.health is Health.HEALTHY
    well = [(11.0, BAD), (13.0, GOOD)]
    assert after(*well, (15.0, BAD), (17.0, BAD), (19.0, BAD), probe=ASSUMED).health is Health.UNHEALTHY
