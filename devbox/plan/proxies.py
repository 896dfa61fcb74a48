"""Which calls inside the mesh a proxy would get: those to hosts that NO_PROXY does not name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from devbox.domain.spec import AppSpec, ProcessRun, ServiceSpec

_PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")
_LOOPBACK = ("localhost", "127.0.0.1")
_GATEWAY = "host.docker.internal"


@dataclass(frozen=True, slots=True)
class Detour:
    """A proxy that calls inside the mesh would go to: whose, which variable says so, and the hosts to leave out.

    `service` None: all host processes, by the environment that devbox was started in, or all containers, by what the
    user's Docker configuration gives them.
    """

    service: str | None
    variable: str
    proxy: str
    hosts: tuple[str, ...]
    exceptions: str
    containers: bool = False


def detours(app: AppSpec, environ: Mapping[str, str], given: Mapping[str, str]) -> tuple[Detour, ...]:
    """The proxies that stand between services of the mesh. `given` are the variables that all containers are given."""
    found: list[Detour] = []
    dialled = [host for each in app.services if not isinstance(each.run, ProcessRun) for host in _dialled(app, each)]
    found += [replace(each, containers=True) for each in _detour(None, given, dict.fromkeys(dialled))]
    if any(isinstance(service.run, ProcessRun) for service in app.services):
        found += _detour(None, environ, _LOOPBACK)
    for service in app.services:
        own = {var.name: str(var.value) for var in service.env}
        if not any(name in own for name in _PROXIES + _EXCEPTIONS):
            continue
        base = environ if isinstance(service.run, ProcessRun) else given
        here = _detour(service.name, {**base, **own}, _dialled(app, service))
        same = [(each.variable, each.proxy, each.hosts) for each in found if each.service is None]
        found += [each for each in here if (each.variable, each.proxy, each.hosts) not in same]
    return tuple(found)


def _dialled(app: AppSpec, service: ServiceSpec) -> tuple[str, ...]:
    """The hosts at which a service reaches those that it needs."""
    if isinstance(service.run, ProcessRun):
        return _LOOPBACK
    needed = [other for need in service.needs if (other := app.service(need.service)) and _speaks_http(other)]
    return tuple(dict.fromkeys(_GATEWAY if isinstance(other.run, ProcessRun) else other.name for other in needed))


def _speaks_http(service: ServiceSpec) -> bool:
    """Whether it may: a proxy does not stand in the way of a database's own protocol."""
    url = dict(service.exports).get("url")
    return url is None or str(url).startswith("http")


def _detour(service: str | None, environ: Mapping[str, str], hosts: Iterable[str]) -> list[Detour]:
    variable = next((name for name in _PROXIES if environ.get(name)), None)
    if variable is None:
        return []
    # Programs differ in which spelling they read: where both are set, both must name the host.
    said = [environ[name] for name in _EXCEPTIONS if name in environ] or [""]
    left = tuple(host for host in hosts if not all(bypassed(exceptions, host) for exceptions in said))
    return [Detour(service, variable, environ[variable], left, said[0])] if left else []


def bypassed(exceptions: str, host: str) -> bool:
    """Whether NO_PROXY, as curl and the languages' own clients read it, keeps calls to a host from the proxy."""
    return any(_names(entry, host) for entry in exceptions.lower().replace(",", " ").split())


def _names(entry: str, host: str) -> bool:
    if entry == "*":
        return True
    name = entry.removeprefix("*").lstrip(".")
    if host == name or host.endswith(f".{name}"):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def shown(proxy: str) -> str:
    """A proxy's address without the password in it."""
    try:
        password = urlsplit(proxy if "://" in proxy else f"//{proxy}").password
    except ValueError:
        return "(not an address)"
    return proxy.replace(f":{password}@", ":***@") if password else proxy
