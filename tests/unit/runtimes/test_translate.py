"""What newer engines alone know of a container, in the words of the Engine API."""

from __future__ import annotations

from typing import Any

import pytest

from devbox.domain.container import Attachment, ContainerOptions, Mount, MountKind, NetworkSpec
from devbox.domain.spec import AppSpec, ContainerRun, Origin, ServiceSpec, Unit, UnitKey
from devbox.runtimes.docker.abilities import beyond
from devbox.runtimes.docker.translate import Surroundings, container_of, network_of

ORIGIN = Origin("compose.yaml", 1, 1)


def service(**said: Any) -> ServiceSpec:
    return ServiceSpec("web", ContainerRun("x", **said), ORIGIN)


def mount_of(mount: Mount, **options: Any) -> Any:
    """A mount as the engine is told of it."""
    spec = service(mounts=(mount,), options=ContainerOptions(**options))
    [body] = container_of(Unit(UnitKey("web"), spec, ""), Surroundings("shop", None))["HostConfig"]["Mounts"]
    return body


def test_an_image_is_mounted() -> None:
    assert mount_of(Mount(MountKind.IMAGE, "/tools", "tools:1", subpath="bin")) == {
        "Type": "image",
        "Source": "tools:1",
        "Target": "/tools",
        "ReadOnly": False,
        "ImageOptions": {"Subpath": "bin"},
    }


@pytest.mark.parametrize("kind", [MountKind.CLUSTER, MountKind.NPIPE])
def test_what_other_engines_mount_is_told_as_it_is(kind: MountKind) -> None:
    assert mount_of(Mount(kind, "/c", "group")) == {
        "Type": str(kind),
        "Source": "group",
        "Target": "/c",
        "ReadOnly": False,
    }


@pytest.mark.parametrize(
    ("recursive", "option"),
    [("disabled", "NonRecursive"), ("writable", "ReadOnlyNonRecursive"), ("readonly", "ReadOnlyForceRecursive")],
)
def test_what_is_mounted_below_a_source(recursive: str, option: str) -> None:
    assert mount_of(Mount(MountKind.BIND, "/a", "/b", recursive=recursive))["BindOptions"] == {option: True}
    assert "BindOptions" not in mount_of(Mount(MountKind.BIND, "/a", "/b", recursive="enabled"))


def test_a_volume_without_a_name_has_its_labels_and_its_driver() -> None:
    options = mount_of(Mount(MountKind.VOLUME, "/a", labels=(("b", "c"),)), volume_driver="fast")["VolumeOptions"]
    assert options["Labels"]["b"] == "c"
    assert options["DriverConfig"] == {"Name": "fast"}


def test_gateway_and_interface() -> None:
    spec = service(networks=(Attachment("back", gw_priority=3, interface_name="lan0", driver_opts=(("a", "b"),)),))
    body = container_of(Unit(UnitKey("web"), spec, ""), Surroundings("shop", None))
    endpoint = body["NetworkingConfig"]["EndpointsConfig"]["shop_back"]
    assert endpoint["GwPriority"] == 3
    assert endpoint["DriverOpts"] == {"a": "b", "com.docker.network.endpoint.ifname": "lan0"}


def test_a_network_without_ipv4() -> None:
    assert network_of(NetworkSpec("back", "shop_back", enable_ipv4=False), {})["EnableIPv4"] is False
    assert "EnableIPv4" not in network_of(NetworkSpec("back", "shop_back"), {})


@pytest.mark.parametrize(
    ("key", "since", "said"),
    [
        ("networks.gw_priority", "1.48", {"networks": (Attachment("back", gw_priority=3),)}),
        ("networks.interface_name", "1.49", {"networks": (Attachment("back", interface_name="lan0"),)}),
        ("volumes.bind.recursive", "1.44", {"mounts": (Mount(MountKind.BIND, "/a", "/b", recursive="readonly"),)}),
        ("volumes.type: image", "1.48", {"mounts": (Mount(MountKind.IMAGE, "/a", "b"),)}),
    ],
)
def test_an_engine_too_old_for_a_key_is_named(key: str, since: str, said: dict[str, Any]) -> None:
    app = AppSpec("shop", "/", (), (service(**said),))
    assert beyond(app, since) == ()
    assert beyond(app, "1.41") == (f"web: the engine is too old for `{key}` (its API is 1.41, {since} has it first)",)


def test_an_engine_too_old_for_a_network_is_named() -> None:
    app = AppSpec("shop", "/", (), (), networks=(NetworkSpec("back", "shop_back", enable_ipv4=False),))
    assert beyond(app, "1.48") == ()
    assert beyond(app, "1.47") == (
        "network back: the engine is too old for `enable_ipv4` (its API is 1.47, 1.48 has it first)",
    )
