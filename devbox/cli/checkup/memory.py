"""The limits of memory of all services against what is there for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from devbox.cli.checkup.finding import Finding
from devbox.domain.spec import AppSpec, ContainerRun, ServiceSpec
from devbox.runtimes.docker.facts import EngineFacts
from devbox.views.words import size

_NAMED = 3


def findings(app: AppSpec, facts: EngineFacts | None) -> Iterator[Finding]:
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    containers = [service for service in app.services if isinstance(service.run, ContainerRun)]
    if facts is not None and facts.memory and not _same(facts.memory, there):
        yield from _sum("memory of the engine", containers, facts.memory, "the engine")
    yield from _sum("memory", list(app.services), there, "this machine")


def _same(engine: int, machine: int) -> bool:
    """Whether the engine runs on this very machine, and has all its memory."""
    return abs(engine - machine) < machine // 100


def limit_of(service: ServiceSpec) -> int:
    """The bytes that all replicas of a service may use together; 0 where there is no limit."""
    each = service.run.limits.memory if isinstance(service.run, ContainerRun) else service.run.memory
    return (each or 0) * max(service.replicas, 0)


def _sum(what: str, services: list[ServiceSpec], there: int, whose: str) -> Iterator[Finding]:
    limits = sorted(((limit_of(service), service.name) for service in services), reverse=True)
    total = sum(bytes_ for bytes_, _ in limits)
    if not total:
        return
    without = sum(not bytes_ for bytes_, _ in limits)
    seen = f"limits of {size(total)} in all, {whose} has {size(there)}"
    seen += f"; {without} service{'s' if without != 1 else ''} without a limit" if without else ""
    largest = ", ".join(f"{name} {size(bytes_)}" for bytes_, name in limits[:_NAMED] if bytes_)
    mend = f"Lower `mem_limit` of the largest ({largest}); `devbox stats` tells what they use."
    yield Finding(what, total <= there, seen, "" if total <= there else mend)
