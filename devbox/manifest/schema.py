"""The JSON Schema of manifests, made of the tables that reading them uses, so that the two cannot drift apart.

What interpolation can fill in may be a text wherever it stands: `"${PORT}"` is as good as 80.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from devbox.domain.spec import Reload, RestartPolicy
from devbox.manifest import (
    builds,
    container,
    deploy,
    extends,
    health,
    include,
    keys,
    mounts,
    networks,
    ports,
    reading,
    resources,
    services,
    watching,
)
from devbox.manifest.canonical import DURATIONS, LISTS, PAIRS, SIZES, TEXTS

Schema = dict[str, Any]

_TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
_FLAG: Schema = {"type": ["boolean", "string", "null"]}
_NUMBER: Schema = {"type": ["number", "string", "null"]}
_WORDS: Schema = {"type": ["string", "array", "null"], "items": _TEXT}
_TEXTS: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_PAIRS: Schema = {
    "anyOf": [
        {"type": "object", "additionalProperties": _TEXT},
        {"type": "array", "items": {"type": "string"}},
        {"type": "null"},
    ]
}
_HOSTS: Schema = {"anyOf": [{"type": "object", "additionalProperties": _TEXTS}, *_PAIRS["anyOf"][1:]]}
_ANY_OBJECT: Schema = {"type": ["object", "null"]}

_FLAGS = (
    "attach", "init", "oom_kill_disable", "on_demand", "privileged", "read_only", "stdin_open", "tty",
    "use_api_socket",
)  # fmt: skip
_NUMBERS = (
    "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus",
    "oom_score_adj", "pids_limit", "scale", "stop_timeout",
)  # fmt: skip


def _object(shapes: Iterable[str] | Schema, **known: Schema) -> Schema:
    """A mapping that has these keys and no others, but for those that begin with `x-`; a text or a number each."""
    given = shapes if isinstance(shapes, dict) else dict.fromkeys(shapes, _TEXT)
    return {
        "type": ["object", "null"],
        "properties": dict(sorted((given | known).items())),
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }


def _list(*items: Schema) -> Schema:
    return {"type": ["array", "null"], "items": items[0] if len(items) == 1 else {"anyOf": [*items]}}


def _named(item: Schema) -> Schema:
    """Things by name, or a list of names."""
    return {"anyOf": [{"type": "object", "additionalProperties": item}, _list({"type": "string"})]}


def _choice(values: Iterable[str]) -> Schema:
    """One of a few values, or a text with a variable in it."""
    return {"anyOf": [{"enum": [*values]}, {"type": "string", "pattern": r"\$"}]}


_HOOK = _object(("user", "working_dir"), command=_WORDS, privileged=_FLAG, environment=_PAIRS)
_RULE = _object(
    watching.KEYS,
    action=_choice(watching.ASKABLE),
    ignore=_TEXTS,
    include=_TEXTS,
    initial_sync=_FLAG,
    cascade=_FLAG,
    exec={"anyOf": [_WORDS, _HOOK]},
)
_PORT = _object(ports.LONG_KEYS, target=_NUMBER, published=_TEXT, protocol=_choice(("tcp", "udp")))
_MOUNT = _object(
    mounts.LONG_KEYS,
    type=_choice(mounts.KINDS),
    read_only=_FLAG,
    bind=_object(("propagation", "selinux"), create_host_path=_FLAG, recursive=_choice(mounts.RECURSIVE)),
    volume=_object(("subpath",), nocopy=_FLAG, labels=_PAIRS),
    tmpfs=_object(("size", "mode")),
    image=_object(("subpath",)),
)
_FILE_USE = _object(resources.USE_KEYS)
_ATTACHMENT = _object(networks.ATTACHMENT_KEYS, aliases=_TEXTS, link_local_ips=_TEXTS, driver_opts=_PAIRS)
_DEPENDENCY = _object((), condition=_choice(keys.UNTIL), required=_FLAG, restart=_FLAG)
_ENV_FILE = _object(("path", "format"), required=_FLAG)
_ULIMITS: Schema = {
    "type": ["object", "null"],
    "additionalProperties": {"anyOf": [_NUMBER, _object((), soft=_NUMBER, hard=_NUMBER)]},
}
_BUILD = _object(
    builds.KEYS,
    **dict.fromkeys(("args", "labels", "additional_contexts", "ssh"), _PAIRS),
    extra_hosts=_HOSTS,
    **dict.fromkeys(("cache_from", "cache_to", "tags", "platforms", "entitlements", "no_cache_filter"), _TEXTS),
    **dict.fromkeys(("no_cache", "privileged", "pull"), _FLAG),
    secrets=_list({"type": "string"}, _FILE_USE),
    ulimits=_ULIMITS,
)
_DEVICE_REQUEST = _object(container.REQUEST_KEYS, capabilities=_TEXTS, device_ids=_TEXTS, options=_PAIRS, count=_NUMBER)
_DEPLOY = _object(
    deploy.KEYS,
    labels=_PAIRS,
    resources=_object(
        (),
        limits=_object(("memory",), cpus=_NUMBER, pids=_NUMBER),
        reservations=_object(("memory",), cpus=_NUMBER, devices=_list(_DEVICE_REQUEST), generic_resources={}),
    ),
    restart_policy=_object(("delay", "window"), condition=_choice(deploy.POLICIES), max_attempts=_NUMBER),
    **dict.fromkeys(("rollback_config", "update_config", "placement"), _ANY_OBJECT),
)
_THROTTLES = _list(_object(("path",), rate=_NUMBER))
_BLKIO = _object(
    dict.fromkeys(("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops"), _THROTTLES),
    weight=_NUMBER,
    weight_device=_list(_object(("path",), weight=_NUMBER)),
)
_MODEL = _object(("name", "model"), context_size=_NUMBER, runtime_flags=_TEXTS)
_RESTART: Schema = {
    "anyOf": [
        {"enum": [*(str(policy) for policy in RestartPolicy), False]},
        {"type": "string", "pattern": r"^on-failure:[0-9]+$|\$"},
    ]
}

_SHAPES: dict[str, Schema] = {
    **dict.fromkeys(TEXTS | SIZES | DURATIONS | {"idle_timeout", "open", "metrics", "balance"}, _TEXT),
    **dict.fromkeys(LISTS | {"label_file"}, _TEXTS),
    **dict.fromkeys((*PAIRS, "environment"), _PAIRS),
    "extra_hosts": _HOSTS,
    **dict.fromkeys(_FLAGS, _FLAG),
    **dict.fromkeys(_NUMBERS, _NUMBER),
    **dict.fromkeys(("command", "entrypoint"), _WORDS),
    **dict.fromkeys(("secrets", "configs"), _list({"type": "string"}, _FILE_USE)),
    **dict.fromkeys(("post_start", "pre_stop"), _list(_HOOK)),
    "blkio_config": _BLKIO,
    "credential_spec": _object(("config", "file", "registry")),
    "driver_opts": _PAIRS,
    "models": _named(_object(("endpoint_var", "model_var"))),
    "provider": _object(("type",), options={"type": "object"}),
    "build": {"anyOf": [{"type": "string"}, _BUILD]},
    "depends_on": _named(_DEPENDENCY),
    "deploy": _DEPLOY,
    "develop": _object((), watch=_list(_RULE)),
    "devices": _list({"type": "string"}, _object(container.DEVICE_KEYS)),
    "env_file": {"anyOf": [_TEXT, _list({"type": "string"}, _ENV_FILE), _ENV_FILE]},
    "extends": {"anyOf": [{"type": "string"}, _object(extends.KEYS)]},
    "gpus": {"anyOf": [_choice(("all",)), _list(_DEVICE_REQUEST)]},
    "health": _object(
        (*health.KINDS, *health.DETAILS, *health.TIMES),
        exec=_WORDS,
        headers={"type": ["object", "null"], "additionalProperties": _TEXT},
        insecure=_FLAG,
        redirects=_FLAG,
    ),
    "healthcheck": _object(health.TIMES, test=_WORDS, disable=_FLAG),
    "local": _object(("working_dir",), command=_WORDS, environment=_PAIRS),
    "logging": _object(("driver",), options=_PAIRS),
    "networks": _named(_ATTACHMENT),
    "ports": _list({"type": ["string", "number"]}, _PORT),
    "reload": _choice(map(str, Reload)),
    "restart": _RESTART,
    "seed": _TEXTS,
    "tasks": {"type": "object", "additionalProperties": _WORDS},
    "ulimits": _ULIMITS,
    "use": {"type": ["string", "object"]},
    "volumes": _list({"type": "string"}, _MOUNT),
    "watch": {"anyOf": [_TEXT, _list({"type": "string"}, _RULE), _RULE]},
}

_EXTERNAL: Schema = {"anyOf": [_FLAG, _object(("name",))]}
_IPAM = _object(("driver",), options=_PAIRS, config=_list(_ANY_OBJECT))
_NETWORK = _object(
    networks.NETWORK_KEYS,
    **dict.fromkeys(("attachable", "enable_ipv4", "enable_ipv6", "internal"), _FLAG),
    **dict.fromkeys(("driver_opts", "labels"), _PAIRS),
    external=_EXTERNAL,
    ipam=_IPAM,
)
_VOLUME = _object(resources.VOLUME_KEYS, driver_opts=_PAIRS, labels=_PAIRS, external=_EXTERNAL)
_FILE = _object(resources.FILE_KEYS, driver_opts=_PAIRS, labels=_PAIRS, external=_EXTERNAL)
_INCLUDE = _list({"type": "string"}, _object(include.KEYS, path=_TEXTS, env_file=_TEXTS))


def schema(*, devbox_format: bool) -> Schema:
    """The schema of a `devbox.yaml`, or of a `compose.yaml`, where devbox's own keys stand under `x-devbox`."""
    properties = {key: _SHAPES.get(key, {}) for key in (*keys.COMPOSE, *keys.NOT_CARRIED)}
    own = {key: _SHAPES.get(key, {}) for key in keys.OWN}
    if devbox_format:
        properties |= own
    properties[services.EXTENSION] = _object(own)
    known = {
        "name": {"type": "string"},
        "services": _by_name(_object(properties)),
        "networks": _by_name(_NETWORK),
        "volumes": _by_name(_VOLUME),
        "secrets": _by_name(_FILE),
        "configs": _by_name(_FILE),
        "models": _by_name(_MODEL),
        "include": _INCLUDE,
    }
    top = _object({key: known.get(key, {}) for key in reading.TOP_LEVEL})
    title = "devbox.yaml" if devbox_format else "compose.yaml"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **top, "type": "object"}


def _by_name(item: Schema) -> Schema:
    return {"type": ["object", "null"], "additionalProperties": item, "patternProperties": {"^x-": {}}}
