"""The services of a manifest, read key by key into drafts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from devbox.manifest import idle, keys
from devbox.manifest.draft import Draft
from devbox.manifest.source import Place, nearest
from devbox.manifest.tree import Entry, Mapping
from devbox.manifest.values import Scope, shown

_NAME = re.compile(r"[a-zA-Z0-9._-]+", re.ASCII)
EXTENSION = "x-devbox"


def drafts(scope: Scope, services: Mapping) -> list[Draft]:
    """One draft for each service whose node is a mapping with a valid name."""
    found = []
    for name, entry in services:
        if name.startswith("x-"):
            continue
        if not _NAME.fullmatch(name):
            hint = "Names are made of letters, digits, -, _ and dots."
            scope.problems.add(entry.key, f"{shown(name)} is not a name for a service", hint)
        elif not isinstance(entry.value, Mapping):
            scope.wrong(entry.value, f"the service {name}", "a mapping")
        else:
            found.append(_draft(scope, name, entry.key, entry.value))
    return found


def _draft(scope: Scope, name: str, place: Place, node: Mapping) -> Draft:
    draft = Draft(name, place)
    faults_before = scope.problems.faults
    entries = list(_entries(scope, name, node))
    # All keys are known before the first is read, as what some mean depends on others.
    draft.keys = {key: entry.key for key, entry, _ in entries}
    for _, entry, reader in entries:
        reader(scope, entry.value, draft)
    draft.faulty = scope.problems.faults > faults_before
    for key, path, why in idle.found(node, idle.SERVICE):
        scope.problems.note(key, f"services.{name}.{path} has no effect: {why}")
    if "provider" in node.entries:
        draft.provider = node.entries["provider"].key
    return draft


def _entries(scope: Scope, name: str, node: Mapping) -> Iterator[tuple[str, Entry, keys.Reader]]:
    """The keys of a service that are acted on. The others are noted, or are problems."""
    for key, entry in node:
        own_here = entry.key.source.devbox_format
        if key in keys.OWN and own_here:
            yield key, entry, keys.OWN[key]
        elif key in keys.COMPOSE:
            yield key, entry, keys.COMPOSE[key]
        elif key == EXTENSION:
            yield from _extension(scope, entry)
        elif key not in keys.NOT_CARRIED and not key.startswith("x-"):
            _unknown(scope, name, key, entry.key)


def _extension(scope: Scope, entry: Entry) -> Iterator[tuple[str, Entry, keys.Reader]]:
    for key, own in scope.mapping(entry.value, EXTENSION, keys.OWN.keys()).items():
        if key in keys.OWN:
            yield key, own, keys.OWN[key]


def _unknown(scope: Scope, service: str, key: str, place: Place) -> None:
    valid = {*keys.COMPOSE, *keys.NOT_CARRIED}
    if place.source.devbox_format:
        valid |= keys.OWN.keys()
        hint = nearest(key, valid)
    else:
        hint = f"{key} is devbox's own: write it under {EXTENSION}." if key in keys.OWN else nearest(key, valid)
    scope.problems.add(place, f"the service {service} has no key {shown(key)}", hint)
