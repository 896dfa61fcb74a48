"""Images: there already, or pulled with progress."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from devbox.domain.errors import StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.base import Report

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


def ensure_image(client: APIClient, name: str, policy: str, platform: str, report: Report) -> None:
    """Have an image here, by Compose's pull policy. Raises StepError with the registry's words."""
    here = find_image(client, name)
    if policy == "never" and here is None:
        words = f"image {name} is not here, and pull_policy is never"
        raise StepError(Failure(FailureKind.ENGINE, words, "Build or pull it, or change the policy."))
    period = pull_period(policy)
    if here is None or (period is not None and time.time() - here.tagged_at > period):
        pull(client, name, platform, report)


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


def pull(client: APIClient, name: str, platform: str, report: Report) -> None:
    """Pull an image, telling how many bytes of its layers are here."""
    import docker.errors

    report(f"pulling {name}", None, None)
    layers: dict[str, tuple[int, int]] = {}
    repository, tag = split(name)
    try:
        for line in client.pull(repository, tag, stream=True, decode=True, platform=platform or None):
            if "error" in line:
                raise _unavailable("pull", name, line["error"])
            _note_layer(layers, line)
            done, total = (sum(pair) for pair in zip(*layers.values(), strict=True)) if layers else (0, 0)
            report(f"pulling {name}", done or None, total or None)
    except docker.errors.APIError as exc:
        raise _unavailable("pull", name, str(exc.explanation or exc)) from exc


def push(client: APIClient, name: str, report: Report) -> None:
    """Push an image to its registry. Raises StepError with the registry's words."""
    import docker.errors

    layers: dict[str, tuple[int, int]] = {}
    repository, tag = split(name)
    try:
        for line in client.push(repository, tag, stream=True, decode=True):
            if "error" in line:
                raise _unavailable("push", name, line["error"])
            _note_layer(layers, line)
            done, total = (sum(pair) for pair in zip(*layers.values(), strict=True)) if layers else (0, 0)
            report(f"pushing {name}", done or None, total or None)
    except docker.errors.APIError as exc:
        raise _unavailable("push", name, str(exc.explanation or exc)) from exc


def _note_layer(layers: dict[str, tuple[int, int]], line: dict[str, Any]) -> None:
    detail = line.get("progressDetail") or {}
    if line.get("id") and detail.get("total") and line.get("status") in ("Downloading", "Pushing"):
        layers[line["id"]] = (min(detail.get("current", 0), detail["total"]), detail["total"])
    elif line.get("id") in layers and line.get("status") in ("Download complete", "Pull complete", "Pushed"):
        total = layers[line["id"]][1]
        layers[line["id"]] = (total, total)


def split(image: str) -> tuple[str, str]:
    """The repository and the tag or digest of an image's name; the tag is `latest` where it has none."""
    if "@" in image:
        repository, _, digest = image.partition("@")
        return repository, digest
    head, colon, tag = image.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (image, "latest")


def _unavailable(what: str, image: str, words: str) -> StepError:
    hint = "Is the name right, is the registry in reach, are you logged in (`docker login`)?"
    return StepError(Failure(FailureKind.ENGINE, f"cannot {what} {image}: {words}", hint))
