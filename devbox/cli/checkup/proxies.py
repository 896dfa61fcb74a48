"""Proxies that would get what services of the mesh say to each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from devbox.cli.checkup.finding import Finding
from devbox.domain.spec import AppSpec
from devbox.plan.proxies import Detour, detours, shown


def findings(app: AppSpec, environ: Mapping[str, str]) -> Iterator[Finding]:
    for detour in detours(app, environ):
        yield Finding("proxies" if detour.service is None else f"proxies of {detour.service}", False, *_words(detour))


def _words(detour: Detour) -> tuple[str, str]:
    """What was seen, and what mends it."""
    hosts = " and ".join(detour.hosts)
    whose = detour.service or "host processes"
    seen = (
        f"{detour.variable} is {shown(detour.proxy)} and NO_PROXY does not name {hosts}: "
        f"what {whose} ask{'s' if detour.service else ''} of other services may go to the proxy"
    )
    wanted = ",".join([*filter(None, [detour.exceptions.strip(", ")]), *detour.hosts])
    if detour.service is None:
        return (
            seen,
            f"`export NO_PROXY={wanted} no_proxy={wanted}`, then `down` and `up`: services have what `up` was given.",
        )
    return seen, f"Add to `environment` of {detour.service}: `NO_PROXY: {wanted}`"
