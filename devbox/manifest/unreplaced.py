"""The manifest with its variables as they are written, for `devbox config --no-interpolate`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from devbox.manifest.files import is_remote
from devbox.manifest.interpolate import Variables
from devbox.manifest.source import Problems
from devbox.manifest.tree import Entry, Node, Scalar
from devbox.manifest.tree import Mapping as Tree
from devbox.manifest.tree import Sequence as Items
from devbox.manifest.variables import Interpolator

_FINISHED = re.compile(r"[/~$]|service:|[a-z-]+://")
"""How a text begins that is no path to be completed: whole already, a variable's, or no path of this machine."""

_SERVICE_PATHS = (
    "build", "build.context", "build.additional_contexts.*", "env_file", "env_file.path", "label_file",
    "credential_spec.file", "develop.watch.path", "watch", "watch.path", "seed", "local.working_dir",
)  # fmt: skip
_PATHS = (
    *(f"services.*.{path}" for path in _SERVICE_PATHS),
    *(f"services.*.x-devbox.{path}" for path in ("watch", "watch.path", "seed", "local.working_dir")),
    "secrets.*.file",
    "configs.*.file",
)
_MOUNTS = ("services.*.volumes", "services.*.volumes.source")


class Unreplaced(Interpolator):
    """Leaves texts as they are, but for what a service extends: that must be known to be put in."""

    def __init__(self, variables: Variables, problems: Problems) -> None:
        super().__init__(variables, (), problems)
        self._words = Interpolator(variables, (), problems)

    def for_project(self, variables: Variables) -> Interpolator:
        return Unreplaced(variables, self._problems)

    def only_of(self, variables: Variables) -> Variables:
        """Nothing is filled in."""
        return Variables({})

    def tree(self, node: Node) -> Node:
        said = node.entries.get("extends") if isinstance(node, Tree) else None
        if said is None or not isinstance(node, Tree):
            return node
        return node.having("extends", Entry(said.key, self._words.tree(said.value)))

    def mapping(self, node: Tree) -> Tree:
        entry = node.entries.get("services")
        if entry is None or not isinstance(entry.value, Tree):
            return node
        services = {name: Entry(each.key, self.tree(each.value)) for name, each in entry.value}
        return node.having("services", Entry(entry.key, replace(entry.value, entries=services)))


def with_whole_paths(tree: Tree) -> Tree:
    """A tree in which paths of the host start at the root, wherever the file lies that says them."""
    result: Node = tree
    for path in _PATHS:
        result = _at(result, path.split("."), _whole)
    for path in _MOUNTS:
        result = _at(result, path.split("."), _whole_mount)
    return result if isinstance(result, Tree) else tree


def _at(node: Node, steps: Sequence[str], change: Callable[[Scalar], Scalar]) -> Node:
    """A node in which the texts at a path are changed; every item of a list is looked into."""
    if isinstance(node, Items):
        return replace(node, items=tuple(_at(item, steps, change) for item in node))
    if isinstance(node, Scalar):
        return node if steps or node.is_null else change(node)
    if not steps:
        return node
    keys = [key for key in (node.entries if steps[0] == "*" else steps[:1]) if key in node.entries]
    changed = {key: replace(node.entries[key], value=_at(node.entries[key].value, steps[1:], change)) for key in keys}
    return replace(node, entries={**node.entries, **changed}) if changed else node


def _whole(node: Scalar) -> Scalar:
    return node if _FINISHED.match(node.text) or is_remote(node.text) else replace(node, text=_joined(node, node.text))


def _whole_mount(node: Scalar) -> Scalar:
    """A bind mount's source, alone or before a colon: what begins with a dot."""
    source, colon, rest = node.text.partition(":")
    return replace(node, text=f"{_joined(node, source)}{colon}{rest}") if source.startswith(".") else node


def _joined(node: Scalar, text: str) -> str:
    """A text behind the directory of its file. Where a variable is in it, nobody knows what `..` would take away."""
    directory = node.place.source.directory
    if "$" in text:
        return os.path.join(directory, text.removeprefix("./"))
    return os.path.normpath(os.path.join(directory, text))
