"""Text to AppSpec: the manifest found, read with line marks, interpolated, merged and checked.

What is here is loaded on first use: a short command asks for no more than where the manifest is and what it is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devbox.manifest.load import load, no_engine
    from devbox.manifest.locate import find
    from devbox.manifest.name import project_name
    from devbox.manifest.render import to_compose

__all__ = ["find", "load", "no_engine", "project_name", "to_compose"]

_HOMES = {"find": "locate", "no_engine": "load", "project_name": "name", "to_compose": "render"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    module = importlib.import_module(f"{__name__}.{_HOMES.get(name, name)}")
    # A function wins over the submodule of the same name, which importing has just put here.
    value: object = getattr(module, name)
    globals()[name] = value
    return value
