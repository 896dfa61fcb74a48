"""`deploy`: of what it says, what one machine can do."""

from __future__ import annotations

from devbox.domain.spec import Restart, RestartPolicy
from devbox.manifest.container import UNLIMITED, device_request
from devbox.manifest.draft import Draft
from devbox.manifest.tree import Entry, Node
from devbox.manifest.values import Scope

MOST_REPLICAS = 1000

KEYS = (
    "mode", "endpoint_mode", "replicas", "labels", "rollback_config", "update_config", "resources", "restart_policy",
    "placement",
)  # fmt: skip
POLICIES = {"none": RestartPolicy.NO, "on-failure": RestartPolicy.ON_FAILURE, "any": RestartPolicy.ALWAYS}


def deploy(scope: Scope, node: Node, draft: Draft) -> None:
    """Replicas, limits, reservations and the restart policy. What only a cluster can do has no effect here."""
    entries = scope.mapping(node, "deploy", KEYS)
    if "replicas" in entries:
        count = scope.integer(entries["replicas"].value, "replicas", 0, MOST_REPLICAS)
        draft.replicas = 1 if count is None else count
    if "resources" in entries:
        _resources(scope, entries["resources"].value, draft)
    if "restart_policy" in entries:
        _restart_policy(scope, entries["restart_policy"].value, draft)


def _resources(scope: Scope, node: Node, draft: Draft) -> None:
    entries = scope.mapping(node, "resources", ("limits", "reservations"))
    if "limits" in entries:
        limits = scope.mapping(entries["limits"].value, "limits", ("cpus", "memory", "pids"))
        _take(scope, limits, draft, {"cpus": "cpus", "memory": "memory", "pids": "pids"})
    if "reservations" in entries:
        keys = ("cpus", "memory", "generic_resources", "devices")
        reserved = scope.mapping(entries["reservations"].value, "reservations", keys)
        _take(scope, reserved, draft, {"memory": "memory_reservation"})
        if "devices" in reserved:
            items = scope.items(reserved["devices"].value, "devices")
            draft.device_requests += [device_request(scope, item) for item in items]


def _take(scope: Scope, entries: dict[str, Entry], draft: Draft, fields: dict[str, str]) -> None:
    for key, field in fields.items():
        if key not in entries:
            continue
        node = entries[key].value
        if key == "cpus":
            value: float | None = scope.number(node, key)
        elif key == "memory":
            value = scope.bytes(node, key)
        else:
            value = scope.integer(node, key, UNLIMITED)
        draft.limits[field] = value


def _restart_policy(scope: Scope, node: Node, draft: Draft) -> None:
    entries = scope.mapping(node, "restart_policy", ("condition", "delay", "max_attempts", "window"))
    policy, attempts = RestartPolicy.ALWAYS, None
    if "condition" in entries:
        policy = POLICIES[scope.choice(entries["condition"].value, "condition", tuple(POLICIES)) or "any"]
    if "max_attempts" in entries:
        attempts = scope.integer(entries["max_attempts"].value, "max_attempts") or None
    for key in ("delay", "window"):
        if key in entries:
            scope.seconds(entries[key].value, key)
    # `restart`, where it is given too, is the one that counts.
    draft.deploy_restart = Restart(policy, attempts)
