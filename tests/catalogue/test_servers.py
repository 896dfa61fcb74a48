"""Every entry for which a real server can be had: written to and read from this machine and from a container."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.catalogue.box import Box
from tests.catalogue.servers import CONTAINERS, PROCESSES, Booted
from tests.meshes.engine import build


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_in_a_container(engine: None, boxes: Callable[..., Box], name: str) -> None:
    booted = CONTAINERS[name]
    build("clients", booted.image)
    stays_well(*[boxes(name, booted, engine=True) for _ in range(2)], booted)


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_as_a_process(boxes: Callable[..., Box], name: str) -> None:
    booted = PROCESSES[name]
    stays_well(*[boxes(name, booted, engine=False) for _ in range(2)], booted)


def stays_well(box: Box, other: Box, booted: Booted) -> None:
    """All that is promised of every server, in one life of it: each of its starts takes seconds."""
    box.up()
    assert_is(booted, box)
    box.is_read_by_all()
    for caller in box.callers:
        box.write(caller)
    box.is_read_by_all()
    if booted.console:
        box.at_the_console(*booted.console)
    if booted.keeps:
        keeps_its_data(box)
    keeps_to_itself(box, other, booted.told)
    if booted.keeps:
        drops_its_data(box)


def assert_is(booted: Booted, box: Box) -> None:
    """It must be the server that it is said to be."""
    if not booted.asked:
        assert box.call("outside", "server").startswith(booted.server)
        return
    version = booted.server.rpartition(" ")[2]
    assert re.search(rf"(?<![\d.]){re.escape(version)}[\d.]*", box.mesh.ok("exec", "-T", "store", *booted.asked))


def keeps_its_data(box: Box) -> None:
    box.mesh.ok("restart", "store", limit=120)
    box.up()
    box.is_read_by_all()
    box.down()
    box.up()
    box.is_read_by_all()


def keeps_to_itself(box: Box, other: Box, told: bool) -> None:
    """A second project beside it has other data at other ports."""
    other.up()
    seeded = dict(other.written)
    if told:
        other.written = dict(box.written)
        assert other.read("outside").items() & box.written.items() == seeded.items()
        other.written = seeded
    other.write("outside")
    other.is_read_by_all()
    box.is_read_by_all()
    other.down("-v")


def drops_its_data(box: Box) -> None:
    """Fresh data have what the seed brings, and nothing of what was written."""
    box.down("-v")
    box.up()
    assert (box.read("outside").items() & box.written.items()) <= {("seeded", "yes")}
