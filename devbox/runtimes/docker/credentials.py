"""The user's own credentials for registries: from Docker's configuration, and from the programs that it names.

Read anew each time: somebody may have logged in meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docker import auth

from devbox.runtimes.docker.endpoint import configuration

HUB = "docker.io"
_HUB_KEY = auth.INDEX_URL
"""What Docker's own registry is called in the configuration, and to credential helpers."""

_HELPER_LIMIT = 30.0
_TOKEN_NAME = "<token>"
_NOT_THERE = "credentials not found"

Login = dict[str, str]
"""What the engine's API takes: username and password, or an identitytoken."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in at a registry; empty: as nobody. `trouble` is what kept us from knowing, in words."""

    login: Login
    trouble: str = ""


class _NoAnswer(Exception):
    """A credential helper that did not say what it was asked."""


def registry_of(image: str) -> str:
    """The registry that an image's name stands for: `registry:5000` of `registry:5000/team/api:1`."""
    head, slash, _ = image.partition("/")
    return head if slash and (any(sign in head for sign in ".:") or head == "localhost") else HUB


def credentials(environ: Mapping[str, str], registry: str) -> Credentials:
    """The user's credentials for a registry. What keeps us from them is no error: many images want none."""
    config, trouble = _config(environ)
    key = _HUB_KEY if registry == HUB else registry
    helper = (config.get("credHelpers") or {}).get(registry) or config.get("credsStore")
    if helper:
        try:
            if found := _ask(environ, helper, key):
                return Credentials(found)
        except _NoAnswer as exc:
            trouble = str(exc)
    for name, entry in (config.get("auths") or {}).items():
        if _host(name) == _host(key) and (login := _login(name, entry)):
            return Credentials(login)
    return Credentials({}, trouble)


def all_credentials(environ: Mapping[str, str]) -> dict[str, Login]:
    """Every login that the user has, by the name of its registry: a build may need any of them."""
    config, _ = _config(environ)
    found = {name: login for name, entry in (config.get("auths") or {}).items() if (login := _login(name, entry))}
    asked = dict.fromkeys(_listed(environ, config.get("credsStore")), config.get("credsStore"))
    asked |= config.get("credHelpers") or {}
    for name, helper in asked.items():
        try:
            if login := _ask(environ, helper, name):
                found[name] = login
        except _NoAnswer:
            continue
    return found


def _config(environ: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    path = configuration(environ) / "config.json"
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError) as exc:
        return {}, f"{path} cannot be read: {exc}"
    return (data, "") if isinstance(data, dict) else ({}, f"{path} is no JSON object")


def _login(registry: str, entry: Any) -> Login:
    if not isinstance(entry, dict):
        return {}
    if token := entry.get("identitytoken"):
        return {"identitytoken": str(token), "serveraddress": registry}
    try:
        text = base64.b64decode(str(entry.get("auth") or "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return {}
    name, colon, password = text.partition(":")
    return {"username": name, "password": password.rstrip("\0"), "serveraddress": registry} if colon else {}


def _host(name: str) -> str:
    host = name.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return HUB if host == f"index.{HUB}" else host


def _ask(environ: Mapping[str, str], helper: str, registry: str) -> Login:
    """What a helper knows of a registry; nothing where it knows none."""
    said = _run(environ, helper, "get", registry)
    if not said.get("Secret"):
        return {}
    name, secret = str(said.get("Username", "")), str(said["Secret"])
    login = {"identitytoken": secret} if name == _TOKEN_NAME else {"username": name, "password": secret}
    return {**login, "serveraddress": registry}


def _listed(environ: Mapping[str, str], helper: str | None) -> list[str]:
    """The registries that a store has credentials for."""
    try:
        return list(_run(environ, helper, "list", "")) if helper else []
    except _NoAnswer:
        return []


def _run(environ: Mapping[str, str], helper: str, verb: str, words: str) -> dict[str, Any]:
    name = f"docker-credential-{helper}"
    program = shutil.which(name, path=environ.get("PATH"))
    if program is None:
        raise _NoAnswer(f"your Docker configuration names {name}, which is not on PATH")
    try:
        done = subprocess.run(
            [program, verb], input=words, env=dict(environ), capture_output=True, text=True, timeout=_HELPER_LIMIT
        )
        if done.returncode and _NOT_THERE in done.stdout.lower():
            return {}
        data = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError) as exc:
        raise _NoAnswer(f"{name} {verb} failed: {exc}") from exc
    if not isinstance(data, dict):
        raise _NoAnswer(f"{name} {verb} failed: {(done.stdout + done.stderr).strip() or done.returncode}")
    return data
