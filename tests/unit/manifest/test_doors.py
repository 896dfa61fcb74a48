"""`reload: green`, `on_demand` and `idle_timeout`, and what is said where they cannot be."""

from __future__ import annotations

import pytest

from devbox.domain.doors import goes_green, has_door, wakes_on_demand
from devbox.domain.spec import AppSpec, OnDemand, Reload
from devbox.plan.resolve import resolve
from tests.unit.manifest.reading import Folder


def app(folder: Folder, service: str) -> AppSpec:
    """A mesh of `api` as said, and `web` which refers to it where it has a port."""
    web = "web: {command: [web, '${api.url}']}" if "ports" in service else ""
    return folder.load(f"name: x\nservices:\n  api: {{{service}}}\n  {web}\n")


OWN_PORT = "command: [api, --port, '${api.port}'], ports: ['8000'], reload: green"


def test_a_process_that_is_told_its_port_goes_green(folder: Folder) -> None:
    made = app(folder, OWN_PORT)
    assert made.services[0].reload is Reload.GREEN
    assert goes_green(made.services[0])
    assert not [note for note in made.notes if "plainly" in note]


def test_its_own_port_is_known_when_it_starts_and_others_dial_the_door(folder: Folder) -> None:
    api, web = resolve(app(folder, OWN_PORT), lambda key, port: 20001)
    assert str(api.spec.run.argv[-1]) == "${api.port}"
    there = api.at(((8000, 14000),))
    assert str(there.spec.run.argv[-1]) == "14000"
    assert there.spec.ports[0].published == 14000
    assert there.fingerprint == api.fingerprint
    assert str(web.spec.run.argv[-1]) == "http://127.0.0.1:20001"


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ("command: api, ports: ['8000:8000'], reload: green", "it holds port 8000 itself"),
        (f"{OWN_PORT}, healthcheck: {{disable: true}}", "nothing tells when a new one is ready"),
        ("command: [api], reload: green", "nothing tells when a new one is ready"),
        ("image: api, network_mode: host, ports: ['80:80'], reload: green", "network_mode is host"),
        ("image: api, ports: ['80:80', '80:80/udp'], reload: green", "one of its ports is UDP"),
    ],
)
def test_where_two_cannot_be_it_is_said_and_why(folder: Folder, service: str, why: str) -> None:
    made = app(folder, service)
    assert not goes_green(made.services[0])
    (note,) = [note for note in made.notes if "api is restarted plainly" in note]
    assert why in note


def test_a_container_that_publishes_a_port_goes_green(folder: Folder) -> None:
    assert goes_green(app(folder, "image: api, ports: ['8080:80'], reload: green").services[0])


def test_on_demand_needs_no_health_check(folder: Folder) -> None:
    made = app(folder, "image: api, ports: ['8080:80'], on_demand: true, idle_timeout: 10m")
    assert made.services[0].on_demand == OnDemand(600.0)
    assert wakes_on_demand(made.services[0])
    assert has_door(made.services[0])


def test_an_idle_timeout_alone_has_no_effect_and_that_is_said(folder: Folder) -> None:
    made = app(folder, "image: api, ports: ['8080:80'], idle_timeout: 10m")
    assert any("idle_timeout of api has no effect without on_demand" in note for note in made.notes)
