"""The domain's dataclasses as JSON data, and back.

One place knows how: a dataclass becomes an object, `None` fields and fields at their defaults included; in a union of
dataclasses the object carries its class name under `is`. Enums become their values, tuples become arrays. What was
encoded decodes to an equal value.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

Json = Any
"""What the `json` module reads and writes."""


class DecodeError(ValueError):
    """Data that does not have the shape that was asked for."""


def encode(value: object, *, saved_only: bool = False) -> Json:
    """`value` as JSON data. With `saved_only`, fields whose metadata say `saved: False` are left out."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, (tuple, list)):
        return [encode(item, saved_only=saved_only) for item in value]
    if isinstance(value, dict):
        return {key: encode(item, saved_only=saved_only) for key, item in value.items()}
    names = _field_names(typing.cast("Any", type(value)), saved_only)
    data = {name: encode(getattr(value, name), saved_only=saved_only) for name in names}
    data["is"] = type(value).__name__
    return data


def decode(kind: type[T], data: Json) -> T:
    """The value of type `kind` that `data` stands for. Raises DecodeError where it does not fit."""
    try:
        return typing.cast("T", _decoder(typing.cast("Any", kind))(data))
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise DecodeError(f"not a {getattr(kind, '__name__', kind)}: {exc!r}") from exc


@functools.cache
def _field_names(kind: Any, saved_only: bool) -> tuple[str, ...]:
    fields = dataclasses.fields(kind)
    return tuple(f.name for f in fields if not saved_only or f.metadata.get("saved", True))


@functools.cache
def _decoder(kind: Any) -> Callable[[Json], Any]:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _union_decoder(typing.get_args(kind))
    if origin is tuple:
        return _tuple_decoder(typing.get_args(kind))
    if origin is dict:
        item = _decoder(typing.get_args(kind)[1])
        return lambda data: {key: item(value) for key, value in data.items()}
    if dataclasses.is_dataclass(kind):
        return _dataclass_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind
    if kind is float:
        return float
    return _plain_decoder(kind)


def _plain_decoder(kind: Any) -> Callable[[Json], Any]:
    def plain(data: Json) -> Any:
        if kind is not Any and not isinstance(data, kind):
            raise TypeError(f"{data!r} is not {kind.__name__}")
        return data

    return plain


def _tuple_decoder(args: tuple[Any, ...]) -> Callable[[Json], Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        item = _decoder(args[0])
        return lambda data: tuple([item(each) for each in data])
    items = [_decoder(arg) for arg in args]
    return lambda data: tuple([item(each) for item, each in zip(items, data, strict=True)])


def _union_decoder(members: tuple[Any, ...]) -> Callable[[Json], Any]:
    by_name: dict[str, Any] = {m.__name__: m for m in members if dataclasses.is_dataclass(m) and isinstance(m, type)}
    others = [m for m in members if not dataclasses.is_dataclass(m) and m is not types.NoneType]

    def union(data: Json) -> Any:
        if data is None and types.NoneType in members:
            return None
        if isinstance(data, dict) and by_name:
            return _decoder(by_name[data["is"]])(data)
        for member in others:
            if not isinstance(member, type) or not isinstance(data, (dict, list)) or member in (dict, list):
                return _decoder(member)(data)
        raise TypeError(f"{data!r} fits no member of the union")

    return union


def _dataclass_decoder(kind: Any) -> Callable[[Json], Any]:
    hints = typing.get_type_hints(kind)
    # Decoders are looked up on first use, so that a type may refer to itself.
    names = [f.name for f in dataclasses.fields(kind)]

    def build(data: Json) -> Any:
        return kind(**{name: _decoder(hints[name])(data[name]) for name in names if name in data})

    return build
