"""YAML nodes to the dataclasses of an entry, strictly: an unknown key or a wrong type is an error at its line."""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from typing import Any

import yaml

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class SchemaError(ValueError):
    """A node that does not fit. `line` and `column` count from 1."""

    def __init__(self, node: yaml.Node, message: str) -> None:
        super().__init__(message)
        self.line, self.column = node.start_mark.line + 1, node.start_mark.column + 1


def decode(kind: Any, node: yaml.Node, path: str = "") -> Any:
    """The value of type `kind` in a node; `path` is what messages call it. Raises SchemaError."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return decode(next(arg for arg in typing.get_args(kind) if arg is not type(None)), node, path)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        return tuple(decode(item, each, f"{path}[{i}]") for i, each in enumerate(_sequence(node, path)))
    if origin is dict:
        item = typing.get_args(kind)[1]
        return {key: decode(item, value, f"{path}.{key}") for key, (_, value) in _mapping(node, path).items()}
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, node, path)
    return _scalar(kind, node, path)


def _dataclass(kind: Any, node: yaml.Node, path: str) -> Any:
    given, hints = _mapping(node, path), _hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for key, (key_node, _) in given.items():
        if key not in fields or key == "name":
            raise SchemaError(key_node, f"{_under(path, key)} is unknown; known are {', '.join(fields)}")
    for name, field in fields.items():
        if name not in given and field.default is field.default_factory is dataclasses.MISSING:
            raise SchemaError(node, f"{_under(path, name)} is missing")
    return kind(**{key: decode(hints[key], value, _under(path, key)) for key, (_, value) in given.items()})


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _scalar(kind: Any, node: yaml.Node, path: str) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise SchemaError(node, f"{path} must be {_WORDS.get(kind, 'a text')}")
    if kind is bool:
        if node.value not in ("true", "false"):
            raise SchemaError(node, f"{path} must be true or false")
        return node.value == "true"
    try:
        return kind(node.value)
    except ValueError as exc:
        choices = ", ".join(kind) if issubclass(kind, enum.Enum) else _WORDS.get(kind, "")
        raise SchemaError(node, f"{path} must be {'one of ' if ',' in choices else ''}{choices}") from exc


def _mapping(node: yaml.Node, path: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise SchemaError(node, f"{path or 'an entry'} must be a mapping")
    return {str(key.value): (key, value) for key, value in node.value}


def _sequence(node: yaml.Node, path: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise SchemaError(node, f"{path} must be a list")
    return list(node.value)


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
