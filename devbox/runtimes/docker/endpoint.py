"""Which engine is meant, and whether it answers: found without the `docker` package, so it costs next to nothing."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_ANSWER_LIMIT = 1.0
_PROXIES = (
    ("httpProxy", "HTTP_PROXY"),
    ("httpsProxy", "HTTPS_PROXY"),
    ("ftpProxy", "FTP_PROXY"),
    ("noProxy", "NO_PROXY"),
    ("allProxy", "ALL_PROXY"),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine's address, where it was found, and the directory of its TLS certificates if it wants any."""

    url: str
    source: str
    certificates: str | None = None
    verify: bool = True

    @property
    def socket(self) -> str | None:
        """The path of its Unix socket, if that is how it is reached."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else None

    def __str__(self) -> str:
        return f"{self.url} ({self.source})"


def endpoint(environ: Mapping[str, str]) -> Endpoint:
    """The engine that the user's Docker configuration names: DOCKER_HOST, else the current context, else a socket."""
    if host := environ.get("DOCKER_HOST"):
        return Endpoint(host, "DOCKER_HOST", _certificates(environ), bool(environ.get("DOCKER_TLS_VERIFY")))
    return _of_context(environ) or _first_socket(environ)


def answers(environ: Mapping[str, str]) -> bool:
    """Whether the engine takes a connection. One that is reached over ssh counts as answering."""
    url = urlsplit(endpoint(environ).url)
    if url.scheme == "ssh":
        return True
    family = socket.AF_UNIX if url.scheme == "unix" else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.settimeout(_ANSWER_LIMIT)
        try:
            trial.connect(url.path if url.scheme == "unix" else (url.hostname or "127.0.0.1", url.port or 2375))
        except OSError:
            return False
    return True


def _certificates(environ: Mapping[str, str]) -> str | None:
    if environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_CERT_PATH"):
        return environ.get("DOCKER_CERT_PATH") or str(configuration(environ))
    return None


def configuration(environ: Mapping[str, str]) -> Path:
    """The folder of the user's Docker configuration."""
    return Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "~")).expanduser() / ".docker")


def container_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """The proxies that the user's Docker configuration gives all containers, as variables in both spellings."""
    known = _read(configuration(environ) / "config.json").get("proxies")
    if not isinstance(known, dict):
        return {}
    mine = known.get(endpoint(environ).url) or known.get("default")
    given = {name: mine.get(key) for key, name in _PROXIES} if isinstance(mine, dict) else {}
    return {each: str(value) for name, value in given.items() if value for each in (name, name.lower())}


def _of_context(environ: Mapping[str, str]) -> Endpoint | None:
    folder = configuration(environ)
    name = environ.get("DOCKER_CONTEXT") or _read(folder / "config.json").get("currentContext")
    if not isinstance(name, str) or name in ("", "default"):
        return None
    digest = hashlib.sha256(name.encode()).hexdigest()
    docker = _read(folder / "contexts" / "meta" / digest / "meta.json").get("Endpoints", {}).get("docker", {})
    if not docker.get("Host"):
        return None
    tls = folder / "contexts" / "tls" / digest / "docker"
    certificates = str(tls) if tls.is_dir() else None
    return Endpoint(docker["Host"], f"docker context {name}", certificates, not docker.get("SkipTLSVerify"))


def _first_socket(environ: Mapping[str, str]) -> Endpoint:
    home, runtime = environ.get("HOME", ""), environ.get("XDG_RUNTIME_DIR", "")
    candidates = ["/var/run/docker.sock", f"{home}/.docker/run/docker.sock"]
    if runtime:
        candidates += [f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock"]
    found = next((path for path in candidates if os.path.exists(path)), candidates[0])
    return Endpoint(f"unix://{found}", "the default socket")


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
