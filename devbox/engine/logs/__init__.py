"""The output of services: read from the files it was written to, followed as it grows, merged by time."""

from devbox.engine.logs.store import LogStore

__all__ = ["LogStore"]
