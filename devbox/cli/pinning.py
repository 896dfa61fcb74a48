"""`devbox config --resolve-image-digests` and `--lock-image-digests`: images by what they hold, not by their tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devbox.cli.diagnostics import say
from devbox.domain.errors import DevboxError

Data = dict[str, Any]


def pin(data: Data, environ: Mapping[str, str]) -> Data:
    """The manifest with a digest for the image of each service; raises DevboxError for what cannot be found.

    An image that is built here and was never pushed has none, and stays as it is.
    """
    from devbox.runtimes.docker.digests import digests, pinned

    services: dict[str, Data] = {name: each for name, each in (data.get("services") or {}).items() if each}
    wanted = {each["image"] for each in services.values() if each.get("image") and "@" not in each["image"]}
    if not wanted:
        return data
    found, wrong = digests(environ, sorted(wanted))
    built = {each["image"] for each in services.values() if each.get("build") and each.get("image")}
    for name in sorted(wrong.keys() & built):
        say(f"note: {name} is built here and has no digest")
    if missing := [wrong[name] for name in sorted(wrong.keys() - built)]:
        raise DevboxError("\n".join(missing))
    with_digests = {
        name: {**each, "image": pinned(each["image"], found[each["image"]])} if each.get("image") in found else each
        for name, each in services.items()
    }
    return {**data, "services": {**(data.get("services") or {}), **with_digests}}


def only_images(data: Data) -> Data:
    """What an override file must say so that each service keeps its image."""
    services = (data.get("services") or {}).items()
    return {"services": {name: {"image": each["image"]} for name, each in services if each and each.get("image")}}
