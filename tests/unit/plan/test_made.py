"""Files that are made for a service from the mesh: each reader dials as it must, and replicas come and go."""

from __future__ import annotations

from dataclasses import replace

from devbox.domain.spec import (
    AppSpec,
    Balance,
    ContainerRun,
    Each,
    Endpoint,
    MadeFile,
    Origin,
    Port,
    ProcessRun,
    Reference,
    Run,
    ServiceSpec,
    Template,
    UnitKey,
)
from devbox.plan.resolve import resolve

FILE = "/etc/made"


def service(name: str, run: Run, *ports: int, replicas: int = 1) -> ServiceSpec:
    return ServiceSpec(name, run, Origin("devbox.yaml", 1, 1), ports=tuple(map(Port, ports)), replicas=replicas)


def container(name: str, *ports: int, replicas: int = 1) -> ServiceSpec:
    return service(name, ContainerRun("it"), *ports, replicas=replicas)


def process(name: str, *ports: int) -> ServiceSpec:
    return service(name, ProcessRun((Template.of("it"),), "/"), *ports)


def publish(key: UnitKey, port: Port) -> int:
    return 20000 + 100 * key.replica + port.target % 100


def made(reader: ServiceSpec, *others: ServiceSpec) -> str:
    """What the made file of a reader says."""
    units = resolve(AppSpec("p", "/", (), (reader, *others)), publish)
    run = next(unit.spec.run for unit in units if unit.key.service == reader.name)
    assert isinstance(run, ContainerRun)
    return "".join(file.content or "" for file in run.files if file.target == FILE)


def reads(of: str, text: str) -> ServiceSpec:
    return replace(
        container("reader", 80), made_files=(MadeFile(FILE, (Template.of("<"), Each(of, text), Template.of(">"))),)
    )


def test_every_replica_that_tells_its_metrics_is_scraped_where_it_can_be_dialled() -> None:
    api = replace(container("api", 8000, replicas=2), metrics=Endpoint(8000, "/metrics"))
    sidecar = replace(container("sidecar", 80), metrics=Endpoint(9999, "/m"))
    local = replace(process("local", 9000), metrics=Endpoint(None, "/x"))
    text = made(
        reads("metrics", "{number} {service} {replica} {address}{path};"), api, sidecar, local, container("silent", 1)
    )
    assert text == (
        "<1 api 1 api-1:8000/metrics;2 api 2 api-2:8000/metrics;"
        "3 local 1 host.docker.internal:20100/x;4 sidecar 1 sidecar-1:9999/m;>"
    )


def test_callers_are_spread_over_the_replicas_of_one_service() -> None:
    proxy = replace(reads("balance", "{address} "), balance=Balance("api"))
    assert (
        made(proxy, container("api", 8000, 9000, replicas=3), container("web", 1))
        == "<api-1:8000 api-2:8000 api-3:8000 >"
    )
    other_port = replace(proxy, balance=Balance("api", 9000))
    assert made(other_port, container("api", 8000, 9000)) == "<api-1:9000 >"
    assert made(proxy, process("api", 8000)) == "<host.docker.internal:20100 >"


def test_services_of_an_entry_tell_what_they_export() -> None:
    template = Template(("store://", Reference("one", "host"), ":", Reference("one", "port.7000")))
    one = replace(container("one", 7000), entry="store", exports=(("address", template),))
    text = made(reads("use store", "{service} {address} {url} {port.7000};"), one, container("two", 1))
    assert text == "<one one-1:7000 http://one:7000 7000;>"


def test_a_mesh_without_any_of_them_makes_an_empty_part() -> None:
    assert made(reads("metrics", "{address}"), container("api", 1)) == "<>"


def test_another_replica_changes_what_the_reader_is_made_from() -> None:
    proxy = replace(reads("balance", "{address} "), balance=Balance("api"))
    prints = []
    for count in (1, 2):
        units = resolve(AppSpec("p", "/", (), (proxy, container("api", 8000, replicas=count))), publish)
        prints.append(next(unit.fingerprint for unit in units if unit.key.service == "reader"))
    assert prints[0] != prints[1]


def test_the_published_port_is_one_text_for_all_who_read_it() -> None:
    reference = Template((Reference("api", "published"), " ", Reference("api", "published.9000")))
    api = container("api", 8000, 9000)
    found = set()
    for run in (ContainerRun("it", (reference,)), ProcessRun((reference,), "/")):
        units = resolve(AppSpec("p", "/", (), (api, service("reader", run))), publish)
        found.add(str(units[-1].spec.run.argv[0]))
    assert found == {"20100 20100"}
