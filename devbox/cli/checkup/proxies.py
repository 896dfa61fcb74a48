"""Proxies that would get what services of the mesh say to each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from devbox.cli.checkup.finding import Finding
from devbox.domain.spec import AppSpec
from devbox.plan.proxies import Detour, detours, shown
from devbox.runtimes.docker.endpoint import configuration, container_proxies


def findings(app: AppSpec, environ: Mapping[str, str]) -> Iterator[Finding]:
    for detour in detours(app, environ, container_proxies(environ)):
        yield Finding(f"proxies of {_whose(detour)}", False, *_words(detour, environ))


def _whose(detour: Detour) -> str:
    return detour.service or ("containers" if detour.containers else "host processes")


def _words(detour: Detour, environ: Mapping[str, str]) -> tuple[str, str]:
    """What was seen, and what mends it."""
    hosts = " and ".join(detour.hosts)
    whose = _whose(detour)
    seen = (
        f"{detour.variable} is {shown(detour.proxy)} and NO_PROXY does not name {hosts}: "
        f"what {whose} ask{'s' if detour.service else ''} of other services may go to the proxy"
    )
    wanted = ",".join([*filter(None, [detour.exceptions.strip(", ")]), *detour.hosts])
    if detour.containers:
        return seen, f"`noProxy` under `proxies` in {configuration(environ) / 'config.json'}: {wanted}"
    if detour.service is None:
        return (
            seen,
            f"`export NO_PROXY={wanted} no_proxy={wanted}`, then `down` and `up`: services have what `up` was given.",
        )
    return seen, f"Add to `environment` of {detour.service}: `NO_PROXY: {wanted}`"
