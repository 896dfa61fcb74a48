"""Text to AppSpec: the manifest found, read with line marks, interpolated, merged and checked."""

from devbox.manifest.find import find
from devbox.manifest.load import load, no_engine, project_name
from devbox.manifest.render import to_compose

__all__ = ["find", "load", "no_engine", "project_name", "to_compose"]
