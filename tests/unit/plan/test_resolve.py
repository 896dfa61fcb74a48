"""References from where their reader stands, and ports that only one can have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devbox.domain.spec import AppSpec, ContainerRun, EnvVar, Port, Reference, ServiceSpec, Template, UnitKey
from devbox.plan.fingerprint import difference, fingerprint
from devbox.plan.resolve import port_clash, resolve
from tests.unit.plan.world import service


def app(*services: ServiceSpec) -> AppSpec:
    return AppSpec("shop", "/", (), services)


def published(key: UnitKey, port: Port) -> int:
    return port.published or 20000 + port.target + key.replica


def reads(name: str, *references: Reference, container: bool = False) -> ServiceSpec:
    run = ContainerRun("image") if container else service(name).run
    env = tuple(EnvVar(f"V{i}", Template(("<", reference, ">"))) for i, reference in enumerate(references))
    return replace(service(name), run=run, env=env)


DB = replace(
    service("db"),
    ports=(Port(5432),),
    exports=(("url", Template(("db://", Reference("db", "host"), ":", Reference("db", "port")))),),
)


@pytest.mark.parametrize(
    ("reader_in_container", "target_in_container", "url"),
    [
        (False, False, "<db://127.0.0.1:25433>"),
        (False, True, "<db://127.0.0.1:25433>"),
        (True, True, "<db://db:5432>"),
        (True, False, "<db://host.docker.internal:25433>"),
    ],
)
def test_a_reference_is_dialled_from_where_its_reader_stands(
    reader_in_container: bool, target_in_container: bool, url: str
) -> None:
    db = replace(DB, run=ContainerRun("postgres")) if target_in_container else DB
    reader = reads("api", Reference("db", "url"), container=reader_in_container)
    unit = next(u for u in resolve(app(db, reader), published) if u.key.service == "api")
    assert unit.env == {"V0": url}


def test_each_replica_knows_its_own_port() -> None:
    own = replace(reads("api", Reference("api", "port"), Reference("api", "url")), ports=(Port(8000),), replicas=2)
    assert [unit.env for unit in resolve(app(own), published)] == [
        {"V0": "<28001>", "V1": "<http://127.0.0.1:28001>"},
        {"V0": "<28002>", "V1": "<http://127.0.0.1:28002>"},
    ]


def test_what_a_running_instance_cannot_take_over_changes_the_fingerprint() -> None:
    one = service("api")
    assert fingerprint(one) == fingerprint(replace(one, probe=None, replicas=3, origin=DB.origin))
    for other in (
        replace(one, run=service("b").run),
        replace(one, ports=(Port(1, 1),)),
        reads("api", Reference("a", "b")),
    ):
        assert fingerprint(other) != fingerprint(one)
        assert difference(one, other)


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        (Port(80, 8080), Port(81, 8080), True),
        (Port(80, 8080), Port(80, 8081), False),
        (Port(80, 8080), Port(80, 8080, protocol="udp"), False),
        (Port(80, 8080, host="127.0.0.1"), Port(80, 8080, host="127.0.0.2"), False),
        (Port(80, 8080, host="0.0.0.0"), Port(80, 8080, host="127.0.0.2"), True),
    ],
)
def test_two_on_one_port_clash(first: Port, second: Port, clash: bool) -> None:
    units = resolve(app(replace(service("a"), ports=(first,)), replace(service("b"), ports=(second,))), published)
    found = port_clash(units)
    assert (found is not None) == clash
