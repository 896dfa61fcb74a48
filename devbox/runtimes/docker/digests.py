"""Which content the tags of images stand for: as this engine has them, else as their registries say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from devbox.runtimes.docker.credentials import HUB, credentials, registry_of
from devbox.runtimes.docker.endpoint import endpoint
from devbox.runtimes.docker.engine import connect, errors_in_words
from devbox.runtimes.docker.images import split, unavailable

if TYPE_CHECKING:
    from docker import APIClient

_LIMIT = 30
"""Seconds that a registry has for an answer."""


def digests(environ: Mapping[str, str], names: Collection[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The digest of each image, and for those that have none, why. Raises EngineUnavailable where none can be asked."""
    where = endpoint(environ)
    found: dict[str, str] = {}
    wrong: dict[str, str] = {}
    with errors_in_words(where):
        client = connect(where, _LIMIT)
        try:
            for name in names:
                try:
                    found[name] = _of_this_engine(client, name) or _of_registry(client, name, environ)
                except LookupError as exc:
                    wrong[name] = str(exc)
        finally:
            client.close()
    return found, wrong


def pinned(name: str, digest: str) -> str:
    """The whole name of an image of this content: `docker.io/library/redis:7@sha256:…`."""
    repository, tag = split(name)
    return f"{whole(repository)}:{tag}@{digest}"


def whole(repository: str) -> str:
    """A repository with its registry, and with `library/` where Docker's own leaves it out."""
    if registry_of(repository) != HUB:
        return repository
    path = repository.removeprefix("index.docker.io/").removeprefix(f"{HUB}/")
    return f"{HUB}/{path}" if "/" in path else f"{HUB}/library/{path}"


def _of_this_engine(client: APIClient, name: str) -> str:
    """The digest under which an image that is here came from its registry; empty for one that never was there."""
    import docker.errors

    try:
        known = client.inspect_image(name).get("RepoDigests") or ()
    except docker.errors.ImageNotFound:
        return ""
    repository = whole(split(name)[0])
    pairs = (each.rpartition("@") for each in known)
    return next((digest for place, _, digest in pairs if whole(place) == repository), "")


def _of_registry(client: APIClient, name: str, environ: Mapping[str, str]) -> str:
    """What the registry says. Raises LookupError with its words and what to do."""
    import docker.errors

    known = credentials(environ, registry_of(name))
    try:
        told = client.inspect_distribution(name, auth_config=known.login or None)
        return str(told["Descriptor"]["digest"])
    except docker.errors.APIError as exc:
        refusal = unavailable("find", name, str(exc.explanation or exc), known)
        raise LookupError(f"{refusal.message}\n  {refusal.hint}") from exc
