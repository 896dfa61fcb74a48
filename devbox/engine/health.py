"""Probes: one task for each live instance that has a probe. Their verdicts come back as events."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from devbox.domain.doors import has_door
from devbox.domain.event import HealthChanged
from devbox.domain.instance import Observed, Ref, signal_name
from devbox.domain.measure import ProbeResult
from devbox.domain.spec import ContainerRun, ExecCheck, GrpcCheck, HttpCheck, LogCheck, Probe, TcpCheck, Unit, UnitKey
from devbox.domain.status import Health
from devbox.engine import grpc_probe, tcp_probe
from devbox.engine.executor import Post
from devbox.engine.http_probe import HttpProbe
from devbox.engine.listening import listens
from devbox.engine.logs import LogStore
from devbox.engine.seed import Seeder
from devbox.plan.health import Pulse, judge, next_pause
from devbox.plan.state import State
from devbox.runtimes.base import Runtime

_KEPT_RESULTS = 50
_JITTER = 0.03
"""A part of the interval: enough for probes to drift apart, too little to be told from a schedule that is held."""

_FIRST_SPREAD = 0.5
"""How much shorter the first interval may be: what became ready together is not probed together ever after."""

_OUTPUT_SHOWN = 300
_MARGIN = 2.0

_Life = tuple[Ref, float]
"""One life of an instance: a container that was started again has the same ref, and another start."""

log = logging.getLogger(__name__)


class Prober:
    """Keeps one probing task for each live instance, and what its last probes said."""

    def __init__(self, runtimes: Mapping[str, Runtime], logs: LogStore, post: Post, seeder: Seeder) -> None:
        self._runtimes, self._logs, self._post, self._seeder = runtimes, logs, post, seeder
        self._tasks: dict[_Life, asyncio.Task[None]] = {}
        self._watched: dict[_Life, tuple[Probe, object]] = {}
        self._results: dict[UnitKey, deque[ProbeResult]] = {}
        self._http = HttpProbe()

    def follow(self, state: State) -> None:
        """Probe exactly what is live now."""
        wanted: dict[_Life, tuple[Observed, Unit, Probe]] = {}
        for unit in state:
            for instance in (unit.current, unit.successor):
                if unit.unit is None or instance is None or not instance.alive or instance.paused:
                    continue
                there = unit.unit.at(instance.private)
                probe = there.spec.probe
                if probe is not None and not (probe.assumed and instance.health is not None):
                    wanted[instance.ref, instance.started_at] = (instance, there, probe)
        for life in [
            each for each in self._tasks if each not in wanted or self._watched[each] != _watched(wanted[each])
        ]:
            self._tasks.pop(life).cancel()
        for life, (instance, target, probe) in wanted.items():
            if life not in self._tasks:
                self._watched[life] = _watched(wanted[life])
                self._tasks[life] = asyncio.create_task(self._watch(instance, target, probe))

    def last_output(self, key: UnitKey) -> str:
        """What the last probe of a replica said; empty when there was none."""
        results = self._results.get(key)
        return results[-1].output if results else ""

    def results(self, key: UnitKey) -> tuple[ProbeResult, ...]:
        """The last probes of a replica's present life, oldest first."""
        return tuple(self._results.get(key, ()))

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._http.close()

    async def _watch(self, instance: Observed, unit: Unit, probe: Probe) -> None:
        pulse = Pulse()
        if has_door(unit.spec):
            # Callers go over to whoever listens: that is no assumption here.
            probe = replace(probe, assumed=False)
        results = self._results[instance.key] = deque(maxlen=_KEPT_RESULTS)
        while True:
            result = await self._probe(instance, unit, probe)
            if result.ok and not pulse.ever_well and (why := await self._too_early(instance, unit, probe)):
                result = replace(result, ok=False, output=why)
            if result.ok and not pulse.ever_well and (wrong := await self._settle(instance, unit, results)):
                results.append(replace(result, ok=False, output=wrong))
                self._post(HealthChanged(instance.ref, instance.key, Health.UNHEALTHY, wrong), 0)
                # Half a seed does not become a whole one by being asked again: a restart goes on from where it failed.
                return
            results.append(result)
            before, pulse = pulse, judge(probe, pulse, result, time.time() - instance.started_at)
            if pulse.health is not before.health:
                self._post(HealthChanged(instance.ref, instance.key, pulse.health, result.output), 0)
            if isinstance(probe.check, LogCheck) and pulse.health is Health.HEALTHY:
                return
            first = pulse.ever_well and not before.ever_well
            least, most = (1 - _FIRST_SPREAD, 1.0) if first else (1 - _JITTER, 1 + _JITTER)
            await asyncio.sleep(next_pause(probe, pulse) * random.uniform(least, most))

    async def _too_early(self, instance: Observed, unit: Unit, probe: Probe) -> str:
        """Why a command that says well is not believed, sooner than the manifest asks for it; else empty.

        On fresh data many a server is started twice: first on a socket of its own, which its client finds just as well.
        """
        early = time.time() - instance.started_at < probe.interval
        if not (early and instance.serves and isinstance(probe.check, ExecCheck)):
            return ""
        runtime = self._runtimes[instance.ref.runtime]
        return "" if await listens(runtime, instance.ref, unit) else "the check passes, but nothing listens yet"

    async def _settle(self, instance: Observed, unit: Unit, results: deque[ProbeResult]) -> str:
        """Have a server that answers for the first time begin with its seed; what went wrong, in words."""
        if not unit.spec.seed:
            return await self._seeder.settle(instance, unit)
        results.append(ProbeResult(time.time(), False, 0.0, "it answers, and its seed is being applied"))
        try:
            return await self._seeder.settle(instance, unit)
        finally:
            results.pop()

    async def _probe(self, instance: Observed, unit: Unit, probe: Probe) -> ProbeResult:
        at, began = time.time(), time.monotonic()
        try:
            # Commands and requests have their own bounds, and know better words for them.
            own = isinstance(probe.check, ExecCheck | HttpCheck | GrpcCheck)
            async with asyncio.timeout(probe.timeout + (_MARGIN if own else 0)):
                ok, output = await self._checker(instance, unit, probe)()
        except TimeoutError:
            ok, output = False, f"no answer within {probe.timeout:g} s"
        except OSError as exc:
            ok, output = False, exc.strerror or str(exc)
        except Exception as exc:
            log.exception("the probe of %s failed in a way nobody foresaw", unit.key)
            ok, output = False, f"the probe itself failed: {exc!r}"
        return ProbeResult(at, ok, time.monotonic() - began, output[:_OUTPUT_SHOWN])

    def _checker(self, instance: Observed, unit: Unit, probe: Probe) -> Callable[[], Awaitable[tuple[bool, str]]]:
        match probe.check:
            case HttpCheck() as http:
                return lambda: self._http.ask(*_address(unit, http.port), http, probe.timeout)
            case TcpCheck(port):
                return lambda: tcp_probe.ask(*_address(unit, port), proxied=isinstance(unit.spec.run, ContainerRun))
            case GrpcCheck() as grpc:
                return lambda: grpc_probe.ask(*_address(unit, grpc.port), grpc, probe.timeout)
            case ExecCheck(argv):
                return lambda: self._exec(instance, unit, tuple(map(str, argv)), probe.timeout)
            case LogCheck(pattern):
                return lambda: self._log(instance, pattern)

    async def _exec(self, instance: Observed, unit: Unit, argv: tuple[str, ...], limit: float) -> tuple[bool, str]:
        result = await self._runtimes[instance.ref.runtime].execute(instance.ref, unit, argv, limit)
        last = result.output.strip().splitlines()[-1:]
        words = last[0] if last else ""
        if result.exit_code is None:
            return False, f"{argv[0]} took longer than {limit:g} s"
        if result.exit_code != 0:
            code, program = result.exit_code, argv[0].rpartition("/")[2]
            how = f"exited with {code}" if code > 0 else f"was killed by {signal_name(-code)}"
            return False, f"{program} {how}{f': {words}' if words else ''}"
        return True, words

    async def _log(self, instance: Observed, pattern: str) -> tuple[bool, str]:
        line = self._logs.find(instance.key, re.compile(pattern), instance.started_at)
        return (True, line) if line is not None else (False, f"no line matches /{pattern}/ yet")


def _watched(wanted: tuple[Observed, Unit, Probe]) -> tuple[Probe, object]:
    """What a probing task was made for: another probe, or another seed, wants another task."""
    _, unit, probe = wanted
    return probe, unit.spec.seed


def _address(unit: Unit, wanted: int | None) -> tuple[str, int]:
    """Where the host dials a service's port: the published one of target `wanted` (None: of the first)."""
    for port in unit.spec.ports:
        if wanted is None or wanted in (port.target, port.published):
            host = "127.0.0.1" if port.host in ("0.0.0.0", "::", "") else port.host
            return host, port.published or port.target
    return "127.0.0.1", wanted or 0
