"""Images: there already, or pulled with progress."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from devbox.domain.errors import StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.base import Report
from devbox.runtimes.docker.credentials import HUB, Credentials, Login, credentials, registry_of

if TYPE_CHECKING:
    from docker import APIClient

_PERIODS = {"daily": 24 * 3600.0, "weekly": 7 * 24 * 3600.0}
_EVERY = re.compile(r"every_(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_EVERY_UNITS = (7 * 24 * 3600, 24 * 3600, 3600, 60, 1)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is here: its id, the paths for which it wants volumes, and when it got its name."""

    id: str
    volumes: tuple[str, ...]
    tagged_at: float


def find_image(client: APIClient, name: str) -> Image | None:
    """The image of this name, if it is here."""
    import docker.errors

    try:
        seen = client.inspect_image(name)
    except docker.errors.ImageNotFound:
        return None
    volumes = tuple((seen.get("Config") or {}).get("Volumes") or {})
    return Image(str(seen["Id"]), volumes, _tagged_at(seen))


def has_image(client: APIClient, container: str, image: str) -> bool:
    """Whether a container was made of what this name stands for now."""
    found = find_image(client, image)
    return found is None or found.id == client.inspect_container(container)["Image"]


def _tagged_at(seen: dict[str, Any]) -> float:
    text = (seen.get("Metadata") or {}).get("LastTagTime") or seen.get("Created") or ""
    try:
        return datetime.fromisoformat(text[:19] + "+00:00").timestamp()
    except ValueError:
        return 0.0


def ensure_image(
    client: APIClient, name: str, policy: str, platform: str, environ: Mapping[str, str], report: Report
) -> None:
    """Have an image here, by Compose's pull policy. Raises StepError with the registry's words."""
    here = find_image(client, name)
    if policy == "never" and here is None:
        words = f"image {name} is not here, and pull_policy is never"
        raise StepError(Failure(FailureKind.ENGINE, words, "Build or pull it, or change the policy."))
    period = pull_period(policy)
    if here is None or (period is not None and time.time() - here.tagged_at > period):
        pull(client, name, platform, environ, report)


def pull_period(policy: str) -> float | None:
    """Seconds after which a policy has an image pulled again; None: as long as it is here, never."""
    if policy == "always":
        return 0.0
    if policy in _PERIODS:
        return _PERIODS[policy]
    match = _EVERY.fullmatch(policy)
    if match is None:
        return None
    return float(sum(int(n or 0) * unit for n, unit in zip(match.groups(), _EVERY_UNITS, strict=True)))


def pull(client: APIClient, name: str, platform: str, environ: Mapping[str, str], report: Report) -> None:
    """Pull an image with the user's own credentials, telling of each layer and how many bytes of all are here."""
    repository, tag = split(name)

    def begin(login: Login) -> Iterator[dict[str, Any]]:
        stream = client.pull(repository, tag, stream=True, decode=True, platform=platform or None, auth_config=login)
        return iter(stream)

    _transfer("pull", name, begin, environ, report)


def push(client: APIClient, name: str, environ: Mapping[str, str], report: Report) -> None:
    """Push an image to its registry with the user's own credentials. Raises StepError with the registry's words."""
    repository, tag = split(name)

    def begin(login: Login) -> Iterator[dict[str, Any]]:
        return iter(client.push(repository, tag, stream=True, decode=True, auth_config=login))

    _transfer("push", name, begin, environ, report)


def _transfer(
    what: str,
    name: str,
    begin: Callable[[Login], Iterator[dict[str, Any]]],
    environ: Mapping[str, str],
    report: Report,
) -> None:
    """Follow a pull or a push to its end. Raises StepError with the registry's words."""
    import docker.errors

    report(f"{what}ing {name}", None, None)
    known, layers = credentials(environ, registry_of(name)), Layers(f"{what}ing {name}", report)
    try:
        for line in begin(known.login):
            if "error" in line:
                raise unavailable(what, name, line["error"], known)
            layers.take(line, time.monotonic())
    except docker.errors.APIError as exc:
        raise unavailable(what, name, str(exc.explanation or exc), known) from exc


class Layers:
    """The layers of an image on their way: reported whenever one gets somewhere, and now and then in between."""

    def __init__(self, head: str, report: Report) -> None:
        self._head, self._report = head, report
        self._bytes: dict[str, tuple[int, int]] = {}
        self._states: dict[str, str] = {}
        self._reported = 0.0

    def take(self, line: dict[str, Any], now: float) -> None:
        """Note a line of the engine's; `now` is in seconds of any clock."""
        state, layer = _STATES.get(line.get("status", "")), line.get("id")
        if state is None or not layer:
            return
        self._count(layer, state, line.get("progressDetail") or {})
        moved = self._states.get(layer) != state
        self._states[layer] = state
        if moved or now - self._reported >= _REPORTED_EVERY:
            self._reported = now
            done, total = (sum(pair) for pair in zip(*self._bytes.values(), strict=True)) if self._bytes else (0, 0)
            self._report(f"{self._head}: {layer} {state}", done if total else None, total or None)

    def _count(self, layer: str, state: str, detail: dict[str, Any]) -> None:
        current, total = int(detail.get("current") or 0), int(detail.get("total") or 0)
        if state in _ARRIVED:
            # A small layer is here before anybody told how big it is: unpacking it, the engine does.
            whole = self._bytes.get(layer, (0, total))[1]
            self._bytes[layer] = (whole, whole)
        elif total > 0:
            self._bytes[layer] = (min(current, total), total)


_REPORTED_EVERY = 0.2
"""Seconds between reports while nothing but bytes come."""

_STATES = {
    "Downloading": "downloading",
    "Download complete": "downloaded",
    "Extracting": "unpacking",
    "Pull complete": "here",
    "Already exists": "here already",
    "Pushing": "uploading",
    "Pushed": "there",
    "Layer already exists": "there already",
}
"""What the engine says of a layer, and what we do. Of waiting and checking nothing is said."""

_ARRIVED = frozenset({"unpacking", "here", "here already", "there", "there already"})


def called(tag: str) -> tuple[str, ...]:
    """The names by which people mean a tag. Podman writes out where an image is from, even one from here."""
    shorter = next((tag.removeprefix(each) for each in _WRITTEN_OUT if tag.startswith(each)), tag)
    return tuple({tag, shorter})


_WRITTEN_OUT = ("localhost/", "docker.io/library/", "docker.io/")


def split(image: str) -> tuple[str, str]:
    """The repository and the tag or digest of an image's name; the tag is `latest` where it has none."""
    if "@" in image:
        repository, _, digest = image.partition("@")
        return repository, digest
    head, colon, tag = image.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (image, "latest")


_REFUSED = ("unauthorized", "no basic auth", "authentication required", "denied", "forbidden")
_WAYS = {"pull": "from", "push": "to", "find": "at"}
_MISSING = ("manifest unknown", "not found", "no such image", "does not exist")


def unavailable(what: str, image: str, words: str, known: Credentials) -> StepError:
    """The registry's or the engine's refusal, with which registry it is and what to do."""
    registry, lower = registry_of(image), words.lower()
    login = f"`docker login{'' if registry == HUB else f' {registry}'}`"
    if any(sign in lower for sign in _REFUSED):
        who = (
            f"{registry} did not take your credentials for it"
            if known.login
            else f"You are not logged in at {registry}"
        )
        hint = f"{who}: {login}, and try again."
    elif any(sign in lower for sign in _MISSING):
        hint = f"{registry} has no such image: is the name right, and the tag?"
    else:
        hint = f"Is {registry} in reach, and is that its name?"
    hint = f"{hint} ({known.trouble})" if known.trouble else hint
    return StepError(Failure(FailureKind.ENGINE, f"cannot {what} {image} {_WAYS[what]} {registry}: {words}", hint))
