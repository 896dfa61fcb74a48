"""As much of JSON Schema as `devbox schema` makes use of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_KNOWN = frozenset({
    "$schema", "title", "type", "properties", "patternProperties", "additionalProperties", "items", "anyOf", "enum",
    "pattern",
})  # fmt: skip


def faults(schema: dict[str, Any], data: Any, path: str = "") -> Iterator[str]:
    """Where data does not fit a schema. Raises ValueError for a schema that says what is not looked at here."""
    if unknown := schema.keys() - _KNOWN:
        raise ValueError(f"{path}: {unknown}")
    if "type" in schema and not any(_is(data, name) for name in _listed(schema["type"])):
        yield f"{path}: {data!r} is no {schema['type']}"
    if "enum" in schema and data not in schema["enum"]:
        yield f"{path}: {data!r} is none of {schema['enum']}"
    if "pattern" in schema and isinstance(data, str) and not re.search(schema["pattern"], data):
        yield f"{path}: {data!r} does not match {schema['pattern']}"
    if "anyOf" in schema and all(any(faults(each, data, path)) for each in schema["anyOf"]):
        yield f"{path}: {data!r} fits none of what it may be"
    if isinstance(data, list) and "items" in schema:
        for number, item in enumerate(data):
            yield from faults(schema["items"], item, f"{path}[{number}]")
    if isinstance(data, dict):
        yield from _object_faults(schema, data, path)


def _object_faults(schema: dict[str, Any], data: dict[str, Any], path: str) -> Iterator[str]:
    for key, value in data.items():
        fitting = [each for pattern, each in schema.get("patternProperties", {}).items() if re.search(pattern, key)]
        if key in schema.get("properties", {}):
            fitting.append(schema["properties"][key])
        rest = schema.get("additionalProperties", {})
        if not fitting and rest is False:
            yield f"{path}.{key}: there is no such key"
        elif not fitting:
            fitting = [rest]
        for each in fitting:
            yield from faults(each, value, f"{path}.{key}")


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _is(data: Any, name: str) -> bool:
    if isinstance(data, bool):
        return name == "boolean"
    return isinstance(data, _TYPES[name])
