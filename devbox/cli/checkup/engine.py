"""The container engine: whether it answers, may be asked, and lives in the same time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping

from devbox.cli.checkup.finding import Finding
from devbox.domain.errors import DevboxError
from devbox.plan.proxies import shown
from devbox.runtimes.docker.endpoint import Endpoint, endpoint
from devbox.runtimes.docker.facts import EngineFacts

_SKEW_ALLOWED = 2.0
"""Seconds. Tokens, certificates and `make` begin to go wrong above."""


class EngineCheck:
    """Asks the engine once; `facts` are there for who looks afterwards, where it answered."""

    def __init__(self) -> None:
        self.facts: EngineFacts | None = None

    def findings(self, environ: Mapping[str, str], images: Collection[str]) -> Iterator[Finding]:
        where = endpoint(environ)
        try:
            from devbox.runtimes.docker.facts import facts

            self.facts = facts(environ, images)
        except DevboxError as error:
            yield _unreachable(where, error)
            return
        yield Finding("container engine", True, f"{self.facts.version} at {where}")
        yield _clock(self.facts)
        yield from _engine_proxies(self.facts, environ)


def _unreachable(where: Endpoint, error: DevboxError) -> Finding:
    """Why nobody answers: no socket, no right to it, or nobody behind it."""
    from devbox.runtimes.docker.rights import refusal

    path = where.socket
    if path is None:
        return Finding("container engine", False, error.message, error.hint)
    if refused := refusal(path):
        return Finding("container engine", False, f"{where}: {refused.seen}", refused.mend)
    if not os.path.exists(path):
        installed = shutil.which("dockerd") or shutil.which("docker")
        start = "`sudo systemctl start docker` starts it; `docker context ls` tells of others."
        mend = start if installed else "No engine is installed here: https://docs.docker.com/engine/install/"
        return Finding("container engine", False, f"there is no socket at {where}", mend)
    return Finding("container engine", False, error.message, error.hint)


def _clock(facts: EngineFacts) -> Finding:
    if abs(facts.ahead) <= _SKEW_ALLOWED:
        return Finding("clock", True, "the engine's goes with this machine's")
    way = "ahead of" if facts.ahead > 0 else "behind"
    return Finding(
        "clock",
        False,
        f"the engine's, and so that of containers, is {_span(abs(facts.ahead))} {way} this machine's",
        "Set both by the network: `sudo timedatectl set-ntp true`; in a virtual machine that slept `sudo hwclock -s`.",
    )


def _span(seconds: float) -> str:
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"


def _engine_proxies(facts: EngineFacts, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The engine pulls through proxies of its own; what a shell has set does not count there."""
    if facts.proxies:
        yield Finding("engine's proxies", True, ", ".join(f"{name}={shown(url)}" for name, url in facts.proxies))
    elif variable := next(filter(environ.get, ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")), None):
        yield Finding("engine's proxies", True, f"none of its own: it pulls images past {variable} of this shell")
