"""Files that are made for a service from the mesh as it is: whom a Prometheus scrapes, over whom a proxy spreads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from devbox.domain.container import FileContent
from devbox.domain.spec import Each, Endpoint, Reference, ServiceSpec, Template, UnitKey

_PLACEHOLDER = re.compile(r"\{([a-z][\w.]*)\}")

Address = Callable[[ServiceSpec, int, int | None], tuple[str, int]]
"""The host and port at which a replica (by its number) is dialled, on a port of its service (None: the first)."""

Export = Callable[[ServiceSpec, Reference], str]


@dataclass(frozen=True, slots=True)
class Mesh:
    """What there is to make files from, as one reader sees it: every replica, and how each is dialled.

    `own_metrics` is where devbox tells its own metrics, if it was asked to.
    """

    replicas: Mapping[UnitKey, ServiceSpec]
    address: Address
    export: Export
    text: Callable[[Template], str]
    own_metrics: str = ""


def made_files(reader: ServiceSpec, mesh: Mesh) -> tuple[FileContent, ...]:
    """The files of a service with everything in them that the mesh decides."""
    return tuple(
        FileContent(
            each.target,
            content="".join(
                mesh.text(part) if isinstance(part, Template) else _repeated(part, reader, mesh) for part in each.parts
            ),
            secret=each.secret,
            source=each.target,
        )
        for each in reader.made_files
    )


def _repeated(each: Each, reader: ServiceSpec, mesh: Mesh) -> str:
    found = enumerate(_meant(each.of, reader, mesh), start=1)
    if each.of == "own":
        return each.text.replace("{address}", mesh.own_metrics) if mesh.own_metrics else ""
    return "".join(_filled(each.text, number, key, mesh, endpoint) for number, (key, endpoint) in found)


def _meant(of: str, reader: ServiceSpec, mesh: Mesh) -> Iterator[tuple[UnitKey, Endpoint]]:
    for key, spec in sorted(mesh.replicas.items()):
        if of == "metrics" and spec.metrics is not None:
            yield key, spec.metrics
        elif of == "balance" and reader.balance is not None and reader.balance.service == key.service:
            yield key, Endpoint(reader.balance.port)
        elif of == f"use {spec.entry}" and key.replica == 1:
            yield key, Endpoint()


def _filled(text: str, number: int, key: UnitKey, mesh: Mesh, endpoint: Endpoint) -> str:
    spec = mesh.replicas[key]
    host, port = mesh.address(spec, key.replica, endpoint.port)
    known = {
        "service": key.service,
        "replica": str(key.replica),
        "number": str(number),
        "address": f"{host}:{port}",
        "path": endpoint.path,
    }

    def value(match: re.Match[str]) -> str:
        return known.get(match[1]) or mesh.export(spec, Reference(key.service, match[1]))

    return _PLACEHOLDER.sub(value, text)
