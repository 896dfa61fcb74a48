"""`networks`: those of the manifest, and a service's place on them."""

from __future__ import annotations

from typing import Any

from devbox.domain.container import Attachment, IpamPool, NetworkSpec
from devbox.manifest.draft import Draft, Wanted
from devbox.manifest.tree import Entry, Mapping, Node, Scalar
from devbox.manifest.values import Scope

DEFAULT = "default"
"""The network of services that name none."""

ATTACHMENT_KEYS = (
    "aliases", "ipv4_address", "ipv6_address", "link_local_ips", "mac_address", "driver_opts", "priority",
    "gw_priority", "interface_name",
)  # fmt: skip
NETWORK_KEYS = (
    "name", "driver", "driver_opts", "attachable", "enable_ipv4", "enable_ipv6", "external", "internal", "ipam",
    "labels",
)  # fmt: skip


def attachments(scope: Scope, node: Node, draft: Draft) -> None:
    """A list of names, or a mapping of names to how the service stands there."""
    for name, entry in scope.by_name(node, "networks").items():
        draft.network_uses.append(Wanted(name, entry.key))
        draft.networks.append(_attachment(scope, name, entry))


def _attachment(scope: Scope, name: str, entry: Entry) -> Attachment:
    fields: dict[str, Any] = {}
    for key, each in scope.mapping(entry.value, f"the network {name}", ATTACHMENT_KEYS).items():
        if key in ("aliases", "link_local_ips"):
            fields[key] = scope.texts(each.value, key)
        elif key in ("ipv4_address", "ipv6_address", "mac_address", "interface_name"):
            fields[key] = scope.text(each.value, key) or ""
        elif key == "driver_opts":
            fields[key] = scope.pairs(each.value, key)
        elif key in ("priority", "gw_priority"):
            fields[key] = scope.integer(each.value, key, -(2**31)) or 0
    return Attachment(name, **fields)


def network(scope: Scope, project: str, key: str, node: Node) -> NetworkSpec:
    """One entry of the top-level `networks`."""
    entries = scope.mapping(node, f"the network {key}", NETWORK_KEYS)
    external, name = external_name(scope, entries, key, project)
    fields: dict[str, Any] = {}
    for field in ("attachable", "enable_ipv6", "internal"):
        if field in entries:
            fields[field] = scope.boolean(entries[field].value, field) is True
    if "enable_ipv4" in entries:
        fields["enable_ipv4"] = scope.boolean(entries["enable_ipv4"].value, "enable_ipv4") is not False
    if "driver" in entries:
        fields["driver"] = scope.text(entries["driver"].value, "driver") or ""
    for field in ("driver_opts", "labels"):
        if field in entries:
            fields[field] = scope.pairs(entries[field].value, field)
    if "ipam" in entries:
        fields |= _ipam(scope, entries["ipam"].value)
    return NetworkSpec(key, name, external, **fields)


def external_name(scope: Scope, entries: dict[str, Entry], key: str, project: str) -> tuple[bool, str]:
    """Whether a network or a volume is somebody else's, and what the engine calls it."""
    external, name = False, None
    if "external" in entries:
        node = entries["external"].value
        if isinstance(node, Mapping):
            # An old form: the name stands inside.
            external = True
            inner = scope.mapping(node, "external", ("name",))
            name = scope.text(inner["name"].value, "name") if "name" in inner else None
        else:
            external = scope.boolean(node, "external") is True
    if "name" in entries and not (isinstance(entries["name"].value, Scalar) and entries["name"].value.is_null):
        name = scope.text(entries["name"].value, "name") or name
    return external, name or (key if external else f"{project}_{key}")


def _ipam(scope: Scope, node: Node) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, entry in scope.mapping(node, "ipam", ("driver", "config", "options")).items():
        if key == "driver":
            fields["ipam_driver"] = scope.text(entry.value, "driver of ipam") or ""
        elif key == "options":
            fields["ipam_options"] = scope.pairs(entry.value, "options of ipam")
        elif key == "config":
            fields["ipam_pools"] = tuple(_pool(scope, item) for item in scope.items(entry.value, "config of ipam"))
    return fields


def _pool(scope: Scope, node: Node) -> IpamPool:
    fields: dict[str, Any] = {}
    for key, entry in scope.mapping(node, "config", ("subnet", "ip_range", "gateway", "aux_addresses")).items():
        if key == "aux_addresses":
            fields[key] = scope.pairs(entry.value, key)
        else:
            fields[key] = scope.text(entry.value, key) or ""
    return IpamPool(**fields)
