"""Manifests held against a JSON Schema, by a validator that had no part in making it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator


class Against:
    """A schema, checked itself, and what is wrong with data by it."""

    def __init__(self, schema: dict[str, Any]) -> None:
        Draft202012Validator.check_schema(schema)
        self._validator = Draft202012Validator(schema)

    def faults(self, data: Any) -> list[str]:
        """Where data does not fit, and why."""
        # JSON knows no keys but texts.
        found = self._validator.iter_errors(json.loads(json.dumps(data, default=str)))
        return [f"{error.json_path}: {error.message}" for error in found]


class _Loader(yaml.SafeLoader):
    """Knows the tags of Compose, which say how files are laid on one another, and nothing of what is in them."""


def _plain(loader: _Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return None if node.value in ("", "~", "null") else node.value


for _tag in ("!reset", "!override"):
    yaml.add_multi_constructor(_tag, _plain, Loader=_Loader)


def documents(path: Path) -> Iterable[Any]:
    """What a file holds, document by document."""
    return yaml.load_all(path.read_text(), Loader=_Loader)
