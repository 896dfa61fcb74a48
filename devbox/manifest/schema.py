"""The JSON Schema of manifests, made of the tables that reading them uses, so that the two cannot drift apart."""

from __future__ import annotations

from typing import Any

from devbox.manifest import builds, keys, reading, services
from devbox.manifest.canonical import DURATIONS, LISTS, PAIRS, SIZES, TEXTS
from devbox.manifest.health import TIMES

Schema = dict[str, Any]

_TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
_FLAG: Schema = {"type": ["boolean", "string", "null"]}
_WORDS: Schema = {"type": ["string", "array", "null"], "items": _TEXT}
_TEXTS: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_PAIRS: Schema = {
    "anyOf": [{"type": "object", "additionalProperties": _TEXT}, {"type": "array", "items": {"type": "string"}}]
}
_NAMES: Schema = {"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "string"}}]}
_ENTRIES: Schema = {"type": "array", "items": {"type": ["string", "number", "object"]}}
_OBJECT: Schema = {"type": ["object", "null"]}

_FLAGS = ("attach", "init", "oom_kill_disable", "privileged", "read_only", "stdin_open", "tty", "use_api_socket")
_SHAPES: dict[str, Schema] = {
    **dict.fromkeys(TEXTS | SIZES | DURATIONS, _TEXT),
    **dict.fromkeys(LISTS, _TEXTS),
    **dict.fromkeys((*PAIRS, "environment", "extra_hosts"), _PAIRS),
    **dict.fromkeys(_FLAGS, _FLAG),
    **dict.fromkeys(("command", "entrypoint"), _WORDS),
    **dict.fromkeys(("depends_on", "networks"), _NAMES),
    **dict.fromkeys(("ports", "volumes", "secrets", "configs", "devices"), _ENTRIES),
    **dict.fromkeys(("blkio_config", "deploy", "develop", "logging", "ulimits"), _OBJECT),
    "build": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {key: {} for key in builds.KEYS}}]},
    "healthcheck": {
        "type": "object",
        "properties": {"test": _WORDS, "disable": _FLAG, **dict.fromkeys(TIMES, _TEXT)},
        "additionalProperties": False,
        "patternProperties": {"^x-": {}},
    },
    "tasks": {"type": "object", "additionalProperties": _WORDS},
    "use": {"type": ["string", "object"]},
}


def schema(*, devbox_format: bool) -> Schema:
    """The schema of a `devbox.yaml`, or of a `compose.yaml`, where devbox's own keys stand under `x-devbox`."""
    properties = {key: _SHAPES.get(key, {}) for key in (*keys.COMPOSE, *keys.NOT_CARRIED)}
    own = {key: _SHAPES.get(key, {}) for key in keys.OWN}
    if devbox_format:
        properties |= own
    properties[services.EXTENSION] = _closed(own)
    named = {"type": ["object", "null"], "additionalProperties": {"type": ["object", "null"]}}
    top = {key: named if key in ("networks", "volumes", "secrets", "configs") else {} for key in reading.TOP_LEVEL}
    top["name"] = {"type": "string"}
    top["services"] = {
        "type": "object",
        "additionalProperties": _closed(dict(sorted(properties.items()))),
        "patternProperties": {"^x-": {}},
    }
    title = "devbox.yaml" if devbox_format else "compose.yaml"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **_closed(top)}


def _closed(properties: dict[str, Schema]) -> Schema:
    """An object with these keys and no others, but for those that begin with `x-`."""
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
