"""Every entry that ships with devbox: whole, safe and able to be expanded in each of its forms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devbox.catalogue import Asked, Entry, Pieces, as_container, as_process, load_entry, names
from devbox.catalogue.programs import FoundServer
from devbox.domain.spec import ContainerRun, ExecCheck, Group, HttpCheck, ProcessRun, Template

NOTHING_TO_LOOK_INTO = {"otel-collector", "loki"}

ENTRIES = [load_entry(name) for name in names()]
PASSWORD = "p@ss w/rd"


def asked(**settings: str) -> Asked:
    return Asked("box", None, settings, lambda name: PASSWORD, "/project", "/data/box")


def texts(pieces: Pieces) -> list[Template]:
    found = [*pieces.run.argv, *(var.value for var in pieces.env), *(value for _, value in pieces.exports)]
    found += pieces.console
    for file in pieces.made_files:
        # What is JSON stands in a file of its own, and is taken as it is.
        found += [part for part in file.parts if isinstance(part, Template) and not file.target.endswith(".json")]
    if isinstance(pieces.run, ProcessRun):
        found += [word for command in pieces.run.init for word in command.argv]
    if isinstance(pieces.probe.check, ExecCheck):
        found += pieces.probe.check.argv
    return found


def forms() -> list[tuple[str, Pieces]]:
    found = [(f"{entry.name} in a container", as_container(entry, asked())) for entry in ENTRIES]
    for entry in ENTRIES:
        for server in entry.embedded.servers if entry.embedded else ():
            pieces = as_process(entry, asked(), FoundServer(server, "/programs"))
            found.append((f"{entry.name} {server.version} as a process", pieces))
    return found


FORMS = forms()
each_form = pytest.mark.parametrize("pieces", [pieces for _, pieces in FORMS], ids=[name for name, _ in FORMS])


def test_there_are_entries() -> None:
    assert set(names()) == {
        *("postgres", "mysql", "mariadb", "mongodb", "cassandra", "redis", "valkey", "memcached"),
        *("elasticsearch", "opensearch", "minio", "kafka", "rabbitmq", "nats", "mosquitto", "redpanda"),
        *("aws", "azure", "gcp", "prometheus", "grafana", "kibana", "jaeger", "otel-collector", "loki"),
        *("keycloak", "oidc", "traefik", "nginx", "mailpit", "jenkins", "registry"),
        *("etcd", "consul", "zookeeper", "vault"),
    }


@pytest.mark.parametrize("found", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_says_what_it_is(found: Entry) -> None:
    assert found.summary
    assert found.version in found.versions
    assert found.kind != "own"
    assert "{version}" in found.container.image
    assert "url" in found.exports
    assert found.client.keys() == {name for name in found.client if name.isupper()}
    assert {export for export in found.client.values() if not export.startswith("=")} <= found.exports.keys()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_it_can_be_looked_into(entry: Entry) -> None:
    """By its own client where its image has one; what has no prompt has a page or nothing to look at."""
    assert entry.container.console or entry.open or entry.name in NOTHING_TO_LOOK_INTO


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_pages_and_metrics_are_on_ports_it_has(entry: Entry) -> None:
    for text in filter(None, (entry.open, entry.metrics, entry.embedded and entry.embedded.open)):
        assert int(text[1:].partition("/")[0]) in entry.ports.values()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_seed_is_given_its_file(entry: Entry) -> None:
    for form in (entry.container, entry.embedded):
        for suffix, command in form.seed.items() if form else ():
            assert re.fullmatch(r"(\.\w+)+", suffix)
            assert sum("{file}" in word for word in command.run) == 1
            assert re.compile(command.line).groups <= 1


def test_the_issue_of_tokens_is_one_text_for_all_who_read_it() -> None:
    for name in ("keycloak", "oidc"):
        for pieces in [each for title, each in FORMS if title.startswith(name)]:
            issuer = str(dict(pieces.exports)["issuer"])
            assert re.match(r"http://(127\.0\.0\.1|localhost):\$\{box\.published\}", issuer)


@each_form
def test_nothing_is_left_to_fill_in(pieces: Pieces) -> None:
    for template in texts(pieces):
        assert not re.search(r"(?<!\$)\{\w+(:\w+)?\}", str(template)), template


@each_form
def test_references_name_the_service_itself_and_ports_it_has(pieces: Pieces) -> None:
    known = {"host", "port", "published", *(f"port.{port.target}" for port in pieces.ports)}
    for template in texts(pieces):
        assert {reference.service for reference in template.references} <= {"box"}
        assert {reference.export for reference in template.references} <= known


@each_form
def test_no_password_stands_in_an_argument_list(pieces: Pieces) -> None:
    words = [*pieces.run.argv, *(pieces.probe.check.argv if isinstance(pieces.probe.check, ExecCheck) else ())]
    if isinstance(pieces.run, ProcessRun):
        words += [word for command in pieces.run.init for word in command.argv]
    assert not [word for word in words if PASSWORD in str(word)]


@each_form
def test_what_holds_a_password_is_marked(pieces: Pieces) -> None:
    quoted = (PASSWORD, "p%40ss%20w%2Frd")
    assert all(var.secret == any(form in str(var.value) for form in quoted) for var in pieces.env)
    holding = {name for name, value in pieces.exports if any(form in str(value) for form in quoted)}
    assert holding == pieces.secret_exports


@each_form
def test_readiness_is_more_than_an_open_port(pieces: Pieces) -> None:
    check = pieces.probe.check
    # The programs do not exist here, and without its client an embedded server is only asked whether it listens.
    assert isinstance(check, (ExecCheck, HttpCheck)) or isinstance(pieces.run, ProcessRun)


@each_form
def test_processes_are_reached_from_this_machine_alone(pieces: Pieces) -> None:
    assert all(port.host == "127.0.0.1" and port.published is None for port in pieces.ports)
    if isinstance(pieces.run, ProcessRun):
        assert "127.0.0.1" in " ".join(map(str, pieces.run.argv))
        assert pieces.run.data_dir == "/data/box"


def test_postgres_in_a_container() -> None:
    pieces = as_container(load_entry("postgres"), asked(user="ada"))
    assert isinstance(pieces.run, ContainerRun)
    assert pieces.run.image == "postgres:18"
    assert pieces.group is Group.DATABASE
    assert pieces.stop.signal == "SIGINT"
    env = {var.name: str(var.value) for var in pieces.env}
    assert (env["POSTGRES_USER"], env["POSTGRES_PASSWORD"], env["POSTGRES_DB"]) == ("ada", PASSWORD, "box")
    assert str(dict(pieces.exports)["url"]) == "postgresql://ada:p%40ss%20w%2Frd@${box.host}:${box.port}/box"


def test_the_urls_of_the_others() -> None:
    urls = {name: str(dict(as_container(load_entry(name), asked()).exports)["url"]) for name in ("redis", "nats")}
    assert urls == {"redis": "redis://${box.host}:${box.port}/0", "nats": "nats://${box.host}:${box.port}"}


def test_the_documentation_names_every_entry() -> None:
    text = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text()
    assert [name for name in names() if f"| `{name}` |" not in text] == []
