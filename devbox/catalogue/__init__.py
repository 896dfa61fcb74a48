"""Backing services as data: one YAML file an entry, no code per database."""

from devbox.catalogue.entry import Entry, Server
from devbox.catalogue.expand import Asked, Pieces, as_container, as_process, setting_from_environment
from devbox.catalogue.load import EntryError, NoEntry, load_entry, names
from devbox.catalogue.programs import find_server

__all__ = [
    "Asked",
    "Entry",
    "EntryError",
    "NoEntry",
    "Pieces",
    "Server",
    "as_container",
    "as_process",
    "find_server",
    "load_entry",
    "names",
    "setting_from_environment",
]
