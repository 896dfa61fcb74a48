"""Images: there already, or pulled with progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devbox.domain.errors import StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.base import Report

if TYPE_CHECKING:
    from docker import APIClient


def image_id(client: APIClient, image: str) -> str:
    """The id of an image that is here; empty when it is not."""
    import docker.errors

    try:
        return str(client.inspect_image(image)["Id"])
    except docker.errors.ImageNotFound:
        return ""


def ensure_image(client: APIClient, image: str, policy: str, platform: str, report: Report) -> None:
    """Have an image here, by Compose's pull policy. Raises StepError with the registry's words."""
    here = bool(image_id(client, image))
    if policy == "never" and not here:
        words = f"image {image} is not here, and pull_policy is never"
        raise StepError(Failure(FailureKind.ENGINE, words, "Build or pull it, or change the policy."))
    if policy == "always" or not here:
        pull(client, image, platform, report)


def pull(client: APIClient, image: str, platform: str, report: Report) -> None:
    """Pull an image, telling how many bytes of its layers are here."""
    import docker.errors

    report(f"pulling {image}", None, None)
    layers: dict[str, tuple[int, int]] = {}
    repository, tag = split(image)
    try:
        for line in client.pull(repository, tag, stream=True, decode=True, platform=platform or None):
            if "error" in line:
                raise _unavailable(image, line["error"])
            _note_layer(layers, line)
            done, total = (sum(pair) for pair in zip(*layers.values(), strict=True)) if layers else (0, 0)
            report(f"pulling {image}", done or None, total or None)
    except docker.errors.APIError as exc:
        raise _unavailable(image, str(exc.explanation or exc)) from exc


def _note_layer(layers: dict[str, tuple[int, int]], line: dict[str, Any]) -> None:
    detail = line.get("progressDetail") or {}
    if line.get("id") and detail.get("total") and line.get("status") == "Downloading":
        layers[line["id"]] = (detail.get("current", 0), detail["total"])
    elif line.get("id") in layers and line.get("status") in ("Download complete", "Pull complete"):
        total = layers[line["id"]][1]
        layers[line["id"]] = (total, total)


def split(image: str) -> tuple[str, str]:
    """The repository and the tag or digest of an image's name; the tag is `latest` where it has none."""
    if "@" in image:
        repository, _, digest = image.partition("@")
        return repository, digest
    head, colon, tag = image.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (image, "latest")


def _unavailable(image: str, words: str) -> StepError:
    hint = "Is the name right, is the registry in reach, are you logged in (`docker login`)?"
    return StepError(Failure(FailureKind.ENGINE, f"cannot pull {image}: {words}", hint))
