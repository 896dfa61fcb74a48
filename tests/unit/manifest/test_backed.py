"""What a service says for others of the mesh, and what fresh data begin with: `metrics`, `balance`, `seed`."""

from __future__ import annotations

import pytest

from devbox.domain.spec import Balance, Endpoint, Need, Reference, Template
from tests.unit.manifest.reading import Folder, as_printed


@pytest.fixture
def docker(folder: Folder) -> Folder:
    """A project on a machine with an engine."""
    folder.engine = lambda: True
    return folder


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (":9100/metrics", Endpoint(9100, "/metrics")),
        (":9100", Endpoint(9100, "/metrics")),
        ("/m?x=1", Endpoint(None, "/m?x=1")),
    ],
)
def test_metrics(folder: Folder, text: str, endpoint: Endpoint) -> None:
    service = folder.service(f"services: {{web: {{command: x, ports: ['80'], metrics: '{text}'}}}}")
    assert service.metrics == endpoint


def test_an_entry_tells_its_own_metrics(docker: Folder) -> None:
    service = docker.service("services: {queue: {use: rabbitmq}, etc: {use: etcd, metrics: ':1/x'}}", "queue")
    assert service.metrics == Endpoint(15692, "/metrics")
    assert docker.service("services: {etc: {use: etcd, metrics: ':1/x'}}", "etc").metrics == Endpoint(1, "/x")


def test_a_proxy_waits_for_whom_it_spreads_callers_over(docker: Folder) -> None:
    service = docker.service(
        "services: {edge: {use: nginx, balance: 'api:90'}, api: {image: x, ports: ['80', '90']}}", "edge"
    )
    assert service.balance == Balance("api", 90)
    assert service.needs == (Need("api"),)
    assert [file.target for file in service.made_files] == ["/etc/nginx/balance.conf"]
    alone = docker.service("services: {edge: {use: nginx}}", "edge")
    assert alone.made_files == ()


def test_the_page_of_an_entry_is_on_its_own_port(docker: Folder) -> None:
    service = docker.service("services: {queue: {use: rabbitmq}}", "queue")
    assert (service.open_path, service.open_port) == ("/", 15672)
    own = docker.service("services: {queue: {use: rabbitmq, open: /mine}}", "queue")
    assert (own.open_path, own.open_port) == ("/mine", None)


def test_a_port_that_leads_elsewhere_for_callers_of_this_machine(docker: Folder) -> None:
    service = docker.service("services: {log: {use: kafka}}", "log")
    assert [(port.target, port.behind) for port in service.ports] == [(9092, 9094)]
    advertised = next(var.value for var in service.env if var.name == "KAFKA_ADVERTISED_LISTENERS")
    assert advertised == Template(("INSIDE://log:9092,OUTSIDE://127.0.0.1:", Reference("log", "published")))


def test_the_files_of_a_seed_in_order(docker: Folder) -> None:
    for name in ("db/2.sql", "db/10.sql.gz", "db/1.sh", "db/notes.txt", "more/last.sql"):
        docker.write(name, "")
    service = docker.service("services: {db: {use: postgres, seed: [./db, more/last.sql]}}", "db")
    assert service.seed is not None
    assert [file.shown for file in service.seed] == ["db/1.sh", "db/10.sql.gz", "db/2.sql", "more/last.sql"]
    assert "gunzip" in str(service.seed[1].argv[2])
    assert str(service.seed[0].argv[0]) == "bash"


def test_a_directory_without_a_seed_is_said(docker: Folder) -> None:
    docker.write("db/notes.txt", "")
    app = docker.load("services: {db: {use: redis, seed: ./db}}")
    assert ["nothing in db is a seed" in note for note in app.notes] == [True]


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ("{web: {command: x, metrics: 9100}}", '"9100" does not say where metrics are'),
        ("{web: {command: x, metrics: /m}}", "web has no port to tell its metrics on"),
        ("{edge: {use: nginx, balance: apj}, api: {image: x}}", "there is no service apj"),
        ("{edge: {use: nginx, balance: api}, api: {image: x}}", "api has no port to spread callers over"),
        ("{edge: {use: nginx, balance: 'api:9'}, api: {image: x, ports: ['8']}}", "api has no port 9 to spread"),
        ("{edge: {use: redis, balance: api}, api: {image: x, ports: ['8']}}", "redis cannot spread callers over"),
        ("{edge: {image: x, balance: api}, api: {image: x, ports: ['8']}}", "edge cannot balance: it is no proxy"),
        ("{edge: {use: nginx, balance: 'a b'}}", '"a b" names no service to balance'),
        ("{db: {use: postgres, seed: ./nothing}}", "nothing does not exist"),
        ("{db: {use: postgres, seed: note.txt}}", "note.txt is no seed"),
        ("{db: {use: etcd, seed: note.txt}}", "db cannot be seeded: the catalogue does not say how"),
        ("{db: {image: x, seed: note.txt}}", "db cannot be seeded: it has no `use:`"),
    ],
)
def test_what_cannot_be(docker: Folder, services: str, words: str) -> None:
    docker.write("note.txt", "")
    assert words in docker.errors(f"services: {services}")


def test_what_is_said_of_a_seed_that_cannot_be(docker: Folder) -> None:
    docker.write("note.txt", "")
    docker.write("db/tables.sql", "")
    printed = docker.errors(
        """
        services:
          etc: {use: etcd, seed: note.txt}
          one: {use: postgres, seed: ./bd}
          two: {use: postgres, seed: note.txt}
        """
    )
    assert printed == as_printed(
        """
        devbox.yaml:2:20: etc cannot be seeded: the catalogue does not say how
            2 |   etc: {use: etcd, seed: note.txt}
              |                    ^^^^
              hint: `devbox catalogue` lists what can.
        devbox.yaml:3:30: bd does not exist
            3 |   one: {use: postgres, seed: ./bd}
              |                              ^^^^
        devbox.yaml:4:30: note.txt is no seed
            4 |   two: {use: postgres, seed: note.txt}
              |                              ^^^^^^^^
              hint: Files that are end in .sql, .sql.gz, .dump, .sh.
        """
    )
