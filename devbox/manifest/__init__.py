"""Text to AppSpec: the manifest found, read with line marks, interpolated, merged and checked.

What is here is loaded on first use: a short command asks for no more than where the manifest is and what it is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devbox.manifest.locate import find
    from devbox.manifest.name import project_name
    from devbox.manifest.reading import load, no_engine, read

__all__ = ["find", "load", "no_engine", "project_name", "read"]

_HOMES = {"find": "locate", "load": "reading", "no_engine": "reading", "project_name": "name", "read": "reading"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    value: object = getattr(module, name)
    globals()[name] = value
    return value
