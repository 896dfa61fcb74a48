"""Every entry for which a real server can be had: written to and read from this machine and from a container."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.catalogue.box import Box
from tests.meshes.engine import build

IMAGES = {
    "postgres": "postgres",
    "mysql": "mariadb",
    "mariadb": "mariadb",
    "cassandra": "cassandra",
    "redis": "redis",
    "valkey": "valkey",
    "memcached": "memcached",
    "opensearch": "opensearch",
    "kafka": "kafka",
    "rabbitmq": "rabbitmq",
    "nats": "nats",
    "mosquitto": "mosquitto",
    "aws": "localstack",
    "azure": "azurite",
    "keycloak": "keycloak",
    "oidc": "oidc",
    "registry": "registry",
    "etcd": "etcd",
    "zookeeper": "zookeeper",
}
"""The entries that are booted in containers, with the stand-in of tests/images for each."""

FORGETFUL = {"memcached", "aws", "oidc"}
"""Those that keep nothing over a restart."""

VERSIONS = {"opensearch": "opensearch:2"}


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_in_a_container(boxes: Callable[..., Box], name: str) -> None:
    build(IMAGES[name])
    box = boxes(VERSIONS.get(name, name))
    box.up()
    spoken_to_from_both_sides(box)
    if name not in FORGETFUL:
        keeps_its_data(box)
        keeps_to_itself(box, boxes(VERSIONS.get(name, name)))
        drops_its_data(box)


@pytest.mark.parametrize("name", ["postgres", "redis", "nats", "aws", "azure", "oidc"])
def test_as_a_process(boxes: Callable[..., Box], name: str) -> None:
    box = boxes(name, "runtime: process")
    box.up()
    spoken_to_from_both_sides(box)
    if name not in FORGETFUL:
        keeps_its_data(box)
        drops_its_data(box)


def spoken_to_from_both_sides(box: Box) -> None:
    box.write("outside")
    box.write("inside")
    if box.kind != "oidc":
        box.reads_all()


def keeps_its_data(box: Box) -> None:
    box.mesh.ok("restart", "store", limit=120)
    box.up()
    box.reads_all()
    box.down()
    box.up()
    box.reads_all()


def keeps_to_itself(box: Box, other: Box) -> None:
    """A second project beside it has other data at other ports."""
    other.up()
    other.written = dict(box.written)
    assert set(other.read("outside").values()) == {""}
    other.written = {}
    other.write("inside")
    other.reads_all()
    box.reads_all()
    other.down("-v")


def drops_its_data(box: Box) -> None:
    box.down("-v")
    box.up()
    assert set(box.read("inside").values()) == {""}
