"""What a service says for others of the mesh: where its metrics are, and whose callers it spreads over replicas."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devbox.domain.spec import Balance, Endpoint, ServiceSpec
from devbox.manifest.draft import Draft
from devbox.manifest.source import Problems, nearest
from devbox.manifest.tree import Node
from devbox.manifest.values import Scope, shown

_ENDPOINT = re.compile(r"(?::(\d{1,5}))?(/\S*)?", re.ASCII)
_BALANCED = re.compile(r"([a-zA-Z0-9._-]+?)(?::(\d{1,5}))?", re.ASCII)


def metrics(scope: Scope, node: Node, draft: Draft) -> None:
    """`metrics: :9100/metrics`, or a path alone on the first port."""
    text = scope.text(node, "metrics")
    if text is None:
        return
    match = _ENDPOINT.fullmatch(text)
    if not text or match is None:
        scope.problems.add(node.place, f"{shown(text)} does not say where metrics are", "Write `:9100/metrics`.")
        return
    draft.metrics = Endpoint(int(match[1]) if match[1] else None, match[2] or "/metrics")


def balance(scope: Scope, node: Node, draft: Draft) -> None:
    """`balance: api`, or `api:8000` for a port other than the first."""
    text = scope.text(node, "balance")
    if text is None:
        return
    match = _BALANCED.fullmatch(text)
    if match is None:
        scope.problems.add(node.place, f"{shown(text)} names no service to balance", "Write `api`, or `api:8000`.")
        return
    draft.balance = Balance(match[1], int(match[2]) if match[2] else None)


def check(drafts: Mapping[str, Draft], services: Mapping[str, ServiceSpec], problems: Problems) -> None:
    """What is balanced must be there and listen, and so must what tells its metrics."""
    for name, spec in services.items():
        if spec.balance is not None:
            _check_balance(name, spec.balance, drafts, services, problems)
        if spec.metrics is not None and spec.metrics.port is None and not spec.ports:
            hint = "Say which: `metrics: :9100/metrics`."
            problems.add(drafts[name].keys["metrics"], f"{name} has no port to tell its metrics on", hint)


def _check_balance(
    name: str, wanted: Balance, drafts: Mapping[str, Draft], services: Mapping[str, ServiceSpec], problems: Problems
) -> None:
    place = drafts[name].keys["balance"]
    target = services.get(wanted.service)
    if not services[name].entry:
        problems.add(place, f"{name} cannot balance: it is no proxy of the catalogue", "Give it `use: nginx`.")
    elif wanted.service not in drafts:
        problems.add(place, f"there is no service {wanted.service}", nearest(wanted.service, set(drafts) - {name}))
    elif target is not None and not any(wanted.port in (None, port.target) for port in target.ports):
        which = "port" if wanted.port is None else f"port {wanted.port}"
        problems.add(place, f"{wanted.service} has no {which} to spread callers over", "List it under its `ports`.")
