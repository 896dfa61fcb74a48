"""The builders there are, and which keys of `build` each of them can do. What none can do is said, never left out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from devbox.domain.container import BuildSpec
from devbox.domain.errors import StepError
from devbox.domain.status import Failure, FailureKind

_CLIENTS = ("docker", "/usr/bin/docker")
_TRIAL_LIMIT = 20
_BUILDKIT_ONLY = ("secrets", "ssh", "additional_contexts", "cache_to", "entitlements", "no_cache_filter")
_BUILDX_ONLY = ("additional_contexts", "cache_to", "entitlements", "no_cache_filter")
_INSTALL = "Install docker-buildx, or the engine's own docker client."


@dataclass(frozen=True, slots=True)
class Builder:
    """A way to build: the path of a `docker` client with BuildKit, or the engine itself where `program` is empty.

    An old client has BuildKit built in; a new one has the `buildx` plugin, which can do more.
    """

    program: str = ""
    buildx: bool = False

    def check(self, build: BuildSpec, image: str) -> None:
        """Raises StepError for a key without which the image would not be what the manifest asks for."""
        if not self.program and (needs := [key for key in _BUILDKIT_ONLY if getattr(build, key)]):
            words = f"{image}: build.{needs[0]} needs BuildKit, and no `docker` client with it was found"
            raise StepError(Failure(FailureKind.ENGINE, words, _INSTALL))
        if not self.buildx and (needs := [key for key in _BUILDX_ONLY if getattr(build, key)]):
            words = f"{image}: build.{needs[0]} needs docker-buildx, and the BuildKit in {self.program} is older"
            raise StepError(Failure(FailureKind.ENGINE, words, "Install docker-buildx."))

    def leaves_out(self, build: BuildSpec) -> Iterator[str]:
        """A sentence for each key that the image is built without."""
        who = "docker-buildx" if self.buildx else "the BuildKit of this docker client" if self.program else "the engine"
        for key, left_out in _LEFT_OUT.items():
            if left_out(self, build):
                yield f"note: {who} builds without build.{key}"
        if len(build.platforms) > 1:
            yield f"note: built for the engine's own platform alone, not for each of {', '.join(build.platforms)}"


_LEFT_OUT: dict[str, Callable[[Builder, BuildSpec], bool]] = {
    "ulimits": lambda by, build: bool(by.program) and not by.buildx and bool(build.ulimits),
    "shm_size": lambda by, build: bool(by.program) and not by.buildx and build.shm_size is not None,
    "isolation": lambda by, build: bool(by.program) and build.isolation not in ("", "default"),
    "privileged": lambda by, build: not by.buildx and build.privileged,
}


def find_builder(environ: Mapping[str, str], *, engine_has_buildkit: bool = True) -> Builder:
    """The best builder here. `DOCKER_BUILDKIT=0` asks for the engine's own, as it does of the `docker` client."""
    if not engine_has_buildkit or environ.get("DOCKER_BUILDKIT", "").lower() in ("0", "f", "false"):
        return Builder()
    for name in _CLIENTS:
        path = shutil.which(name, path=environ.get("PATH"))
        if path is None:
            continue
        trial = [path, "build", "--help"]
        env = client_environment(environ)
        shown = subprocess.run(trial, env=env, capture_output=True, text=True, timeout=_TRIAL_LIMIT).stdout
        if "--secret" in shown:
            return Builder(path, buildx="--build-context" in shown)
    return Builder()


def client_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a `docker` client finds in its environment when it builds."""
    return {**environ, "DOCKER_BUILDKIT": "1"}


def flags(builder: Builder, build: BuildSpec, labels: Mapping[str, str]) -> list[str]:
    """How the `docker` client is told of all that the manifest says of a build."""
    said = [f"--label={name}={value}" for name, value in {**dict(build.labels), **labels}.items()]
    said += [f"--build-arg={name}" + ("" if value is None else f"={value}") for name, value in build.args]
    said += [f"--cache-from={each}" for each in build.cache_from]
    said += [f"--cache-to={each}" for each in build.cache_to]
    said += [f"--add-host={name}:{address}" for name, address in build.extra_hosts]
    said += [f"--tag={tag}" for tag in build.tags]
    said += [f"--platform={build.platforms[0]}"] if len(build.platforms) == 1 else []
    said += [f"--ssh={each}" for each in build.ssh]
    said += [f"--secret=id={name},{_secret(source)}" for name, source in build.secrets]
    said += [f"--build-context={name}={where}" for name, where in build.additional_contexts]
    said += [f"--no-cache-filter={stage}" for stage in build.no_cache_filter]
    said += [f"--allow={each}" for each in build.entitlements]
    said += ["--allow=security.insecure"] * (build.privileged and builder.buildx)
    said += [f"--ulimit={limit.name}={limit.soft}:{limit.hard}" for limit in build.ulimits] if builder.buildx else []
    said += [f"--shm-size={build.shm_size}"] if build.shm_size and builder.buildx else []
    said += [f"--target={build.target}"] if build.target else []
    said += [f"--network={build.network}"] if build.network else []
    return said + ["--no-cache"] * build.no_cache + ["--pull"] * build.pull


def _secret(source: str) -> str:
    return f"env={source.removeprefix('env:')}" if source.startswith("env:") else f"src={source}"


def dockerfile_path(build: BuildSpec) -> str:
    """Where the `docker` client finds the Dockerfile."""
    if os.path.isabs(build.dockerfile) or "://" in build.context:
        return build.dockerfile or "Dockerfile"
    return os.path.join(build.context, build.dockerfile or "Dockerfile")
