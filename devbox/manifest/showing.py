"""Nodes as data that can be shown: as they are meant or as they are written, without secrets."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

from devbox.domain.spec import Template
from devbox.manifest.environment import looks_secret
from devbox.manifest.interpolate import Variables
from devbox.manifest.tree import Mapping as Tree
from devbox.manifest.tree import Node, Scalar, Sequence
from devbox.manifest.variables import names_in

MASK = "********"
_REFERENCE = re.compile(r"\$\$|\$\{[^${}]+\}")
"""A doubled `$`, which begins nothing, or a reference, as `written` gives them."""

Data = dict[str, Any]


def as_written(tree: Tree, *, show_secrets: bool = False) -> Data:
    """The merged manifest with its variables as they stand in the files. Secrets are masked unless asked for."""
    data = {key: plain(entry.value, interpolated=False) for key, entry in tree}
    services = data.get("services")
    for service in services.values() if isinstance(services, dict) and not show_secrets else ():
        variables = service.get("environment") if isinstance(service, dict) else None
        if isinstance(variables, dict):
            for name, value in variables.items():
                variables[name] = _unless_secret(name, value)
        elif isinstance(variables, list):
            service["environment"] = [_line_unless_secret(line) for line in variables]
    return data


def _unless_secret(name: str, value: Any) -> Any:
    """A value as it is written. One that is a variable gives nothing away."""
    return MASK if isinstance(value, str) and "$" not in value and looks_secret(name, value) else value


def _line_unless_secret(line: Any) -> Any:
    name, sign, value = line.partition("=") if isinstance(line, str) else ("", "", "")
    return f"{name}={_unless_secret(name, value)}" if sign else line


def masked(data: Any, node: Node, variables: Variables) -> Any:
    """Data without the values of the secret variables that its node is written with."""
    values = ((name, variables.get(name)) for name in dict.fromkeys(names_in(node)))
    secrets = [doubled(value) for name, value in values if value and looks_secret(name, value)]
    return _without(data, secrets) if secrets else data


def _without(data: Any, secrets: list[str]) -> Any:
    if isinstance(data, dict):
        return {key: _without(value, secrets) for key, value in data.items()}
    if isinstance(data, list):
        return [_without(item, secrets) for item in data]
    if isinstance(data, str):
        for secret in secrets:
            data = data.replace(secret, MASK)
    return data


def without_references(data: Any, services: Set[str]) -> Any:
    """Written data in which what refers to these services, which are left out, is as empty as it is for a reader."""

    def filled(match: re.Match[str]) -> str:
        inside = match[0][2:-1]
        return "" if any(inside.startswith(f"{name}.") for name in services) else match[0]

    if isinstance(data, dict):
        return {key: without_references(value, services) for key, value in data.items()}
    if isinstance(data, list):
        return [without_references(item, services) for item in data]
    return _REFERENCE.sub(filled, data) if isinstance(data, str) and "${" in data else data


def plain(node: Node, *, interpolated: bool = True) -> Any:
    """A node as data. A `$` that is meant as such is doubled, so that reading it again gives the same."""
    if isinstance(node, Tree):
        return {key: plain(entry.value, interpolated=interpolated) for key, entry in node}
    if isinstance(node, Sequence):
        return [plain(item, interpolated=interpolated) for item in node]
    if not interpolated or node.template is None:
        return _simple(node, interpolated)
    return _simple(node, True) if not node.template.references else written(node.template)


def _simple(node: Scalar, interpolated: bool) -> Any:
    if node.is_null:
        return None
    if node.plain and node.kind == "a boolean":
        return node.boolean
    if node.plain and node.kind == "a number":
        return number(node.text)
    return doubled(node.text) if interpolated else node.text


def number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        # What would not be written the same way (1.10, 007) is a text to whoever wrote it.
        return value if str(value) == text else text
    return text


def all_doubled(data: Data) -> Data:
    """Data with every `$` in its texts doubled."""
    return {key: _doubled_within(value) for key, value in data.items()}


def _doubled_within(data: Any) -> Any:
    if isinstance(data, dict):
        return all_doubled(data)
    if isinstance(data, list):
        return [_doubled_within(item) for item in data]
    return doubled(data) if isinstance(data, str) else data


def doubled(text: str) -> str:
    """A text with a `$` that is meant as such written as `$$`."""
    return text.replace("$", "$$")


def written(template: Template) -> str:
    """A template as the manifest would write it."""
    return "".join(doubled(part) if isinstance(part, str) else str(part) for part in template.parts)
