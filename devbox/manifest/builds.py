"""`build`: how a service's image is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from devbox.domain.container import BuildSpec
from devbox.manifest.container import hosts, ulimits
from devbox.manifest.draft import Draft, FileUse
from devbox.manifest.tree import Mapping, Node, Scalar
from devbox.manifest.values import Scope

_REMOTE = re.compile(r"(https?|git|ssh)://|git@|github\.com/", re.ASCII)
KEYS = (
    "context", "dockerfile", "dockerfile_inline", "args", "ssh", "cache_from", "cache_to", "additional_contexts",
    "extra_hosts", "isolation", "privileged", "labels", "no_cache", "pull", "network", "shm_size", "target", "secrets",
    "tags", "ulimits", "platforms", "entitlements", "provenance", "sbom", "no_cache_filter",
)  # fmt: skip


def build(scope: Scope, node: Node, draft: Draft) -> None:
    """A path, or a mapping with the context and how to build it."""
    if isinstance(node, Scalar):
        text = scope.text(node, "build")
        draft.build = BuildSpec(_context(scope, node, text)) if text is not None else None
        return
    entries = scope.mapping(node, "build", KEYS)
    fields: dict[str, Any] = {"context": scope.path(node.place, ".")}
    for key, entry in entries.items():
        if key == "secrets":
            draft.build_secrets = _secrets(scope, entry.value)
        elif reader := _READERS.get(key):
            field, value = reader(scope, entry.value, key)
            if value is not None:
                fields[field] = value
    if "dockerfile" in entries and "dockerfile_inline" in entries:
        hint = "Leave one of them out."
        scope.problems.add(
            entries["dockerfile_inline"].key, "dockerfile and dockerfile_inline cannot both be given", hint
        )
    draft.build = BuildSpec(**fields)


def _context(scope: Scope, node: Node, text: str) -> str:
    if _REMOTE.match(text):
        return text
    return scope.path(node.place, text)


def _secrets(scope: Scope, node: Node) -> list[FileUse]:
    draft = Draft("", node.place)
    from devbox.manifest.resources import secrets

    secrets(scope, node, draft)
    return draft.secrets


_Field = Callable[[Scope, Node, str], tuple[str, Any]]


def _read_context(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    text = scope.text(node, key)
    return "context", _context(scope, node, text) if text is not None else None


def _text(field: str = "") -> _Field:
    return lambda scope, node, key: (field or key, scope.text(node, f"{key} of build"))


def _texts(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    return key, scope.texts(node, f"{key} of build")


def _pairs(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    return key, scope.pairs(node, f"{key} of build")


def _flag(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    return key, scope.boolean(node, f"{key} of build")


def _args(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    """Arguments; one with no value takes it from the environment, and is left out where that has none."""
    found: list[tuple[str, str]] = []
    for name, entry in scope.by_name(node, "args of build").items():
        if isinstance(entry.value, Scalar) and entry.value.is_null:
            text = scope.variables.get(name)
        else:
            text = scope.text(entry.value, f"{name} in args")
        if text is not None:
            found.append((name, text))
    return key, tuple(found)


def _ssh(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    """`default`, or `id=path`."""
    if isinstance(node, Mapping):
        return key, tuple(f"{name}={path}" if path else name for name, path in scope.pairs(node, key))
    return key, scope.texts(node, "ssh of build")


def _contexts(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    """Further contexts; a relative path starts from the manifest."""
    found = []
    for name, where in scope.pairs(node, key):
        local = not re.match(r"[a-z-]+://|service:", where) and not _REMOTE.match(where)
        found.append((name, scope.path(node.place, where) if local else where))
    return key, tuple(found)


def _hosts(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    return key, hosts(scope, node, "extra_hosts of build")


def _bytes(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    return key, scope.bytes(node, f"{key} of build")


def _limits(scope: Scope, node: Node, key: str) -> tuple[str, Any]:
    return key, ulimits(scope, node)


_READERS: dict[str, _Field] = {
    "context": _read_context,
    "dockerfile": _text(),
    "dockerfile_inline": _text("inline"),
    "args": _args,
    "ssh": _ssh,
    "cache_from": _texts,
    "cache_to": _texts,
    "additional_contexts": _contexts,
    "extra_hosts": _hosts,
    "isolation": _text(),
    "privileged": _flag,
    "labels": _pairs,
    "no_cache": _flag,
    "no_cache_filter": _texts,
    "pull": _flag,
    "network": _text(),
    "shm_size": _bytes,
    "target": _text(),
    "tags": _texts,
    "ulimits": _limits,
    "platforms": _texts,
    "entitlements": _texts,
}
