"""Images built from a Dockerfile: by the `docker` client with BuildKit where there is one, by the SDK otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from devbox.domain.container import BuildSpec
from devbox.domain.errors import StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.base import Report

if TYPE_CHECKING:
    from docker import APIClient

_TAIL = 20
_BUILDKIT_ONLY = ("secrets", "ssh", "additional_contexts", "cache_to", "entitlements", "no_cache_filter")
_CLIENTS = ("/usr/bin/docker", "docker")


def build_image(
    client: APIClient,
    build: BuildSpec,
    image: str,
    labels: Mapping[str, str],
    environ: Mapping[str, str],
    report: Report,
) -> None:
    """Build an image and name it. Raises StepError with the failing step and what it printed."""
    report(f"building {image}", None, None)
    program = buildkit_client(environ)
    if program is not None:
        _by_client(program, build, image, labels, environ, report)
        return
    if needs := [key for key in _BUILDKIT_ONLY if getattr(build, key)]:
        words = f"build.{needs[0]} needs BuildKit, and no `docker` client with it was found"
        raise StepError(Failure(FailureKind.ENGINE, words, "Install docker-buildx, or the engine's own docker client."))
    _by_engine(client, build, image, labels, report)


def buildkit_client(environ: Mapping[str, str]) -> str | None:
    """The path of a `docker` client that can build with BuildKit; None where there is none.

    Old clients have BuildKit built in; new ones need the buildx plugin, and say so when asked for its version.
    """
    for name in _CLIENTS:
        path = shutil.which(name, path=environ.get("PATH"))
        if path is None:
            continue
        trial = [path, "build", "--help"]
        shown = subprocess.run(trial, env=_client_environment(environ), capture_output=True, text=True, timeout=20)
        if "--secret" in shown.stdout:
            return path
    return None


def _client_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {**environ, "DOCKER_BUILDKIT": "1"}


def _by_client(
    program: str,
    build: BuildSpec,
    image: str,
    labels: Mapping[str, str],
    environ: Mapping[str, str],
    report: Report,
) -> None:
    argv = [
        program,
        "build",
        "--progress=plain",
        "-t",
        image,
        *_flags(build, labels),
        "-f",
        "-" if build.inline else _file(build),
    ]
    process = subprocess.Popen(
        [*argv, build.context],
        env=_client_environment(environ),
        stdin=subprocess.PIPE if build.inline else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    tail: deque[str] = deque(maxlen=_TAIL)
    with process:
        if process.stdin is not None:
            process.stdin.write(build.inline)
            process.stdin.close()
        for line in process.stdout or ():
            tail.append(line.rstrip())
            report(line.rstrip(), None, None)
    if process.returncode:
        raise _failed(image, list(tail))


def _file(build: BuildSpec) -> str:
    if os.path.isabs(build.dockerfile) or "://" in build.context:
        return build.dockerfile or "Dockerfile"
    return os.path.join(build.context, build.dockerfile or "Dockerfile")


def _flags(build: BuildSpec, labels: Mapping[str, str]) -> list[str]:
    flags = [f"--label={name}={value}" for name, value in {**dict(build.labels), **labels}.items()]
    flags += [f"--build-arg={name}" + ("" if value is None else f"={value}") for name, value in build.args]
    flags += [f"--cache-from={each}" for each in build.cache_from]
    flags += [f"--cache-to={each}" for each in build.cache_to]
    flags += [f"--add-host={name}:{address}" for name, address in build.extra_hosts]
    flags += [f"--tag={tag}" for tag in build.tags]
    flags += [f"--platform={platform}" for platform in build.platforms]
    flags += [f"--ssh={each}" for each in build.ssh]
    flags += [f"--secret=id={name},{_secret(source)}" for name, source in build.secrets]
    flags += [f"--build-context={name}={where}" for name, where in build.additional_contexts]
    flags += [f"--no-cache-filter={stage}" for stage in build.no_cache_filter]
    flags += [f"--allow={each}" for each in build.entitlements]
    flags += [f"--ulimit={limit.name}={limit.soft}:{limit.hard}" for limit in build.ulimits]
    for flag, value in (("target", build.target), ("network", build.network), ("shm-size", build.shm_size)):
        flags += [f"--{flag}={value}"] if value else []
    return flags + ["--no-cache"] * build.no_cache + ["--pull"] * build.pull


def _secret(source: str) -> str:
    return f"env={source.removeprefix('env:')}" if source.startswith("env:") else f"src={source}"


def _by_engine(client: APIClient, build: BuildSpec, image: str, labels: Mapping[str, str], report: Report) -> None:
    tail: deque[str] = deque(maxlen=_TAIL)
    with _dockerfile_of(build) as dockerfile:
        lines = client.build(
            path=build.context,
            dockerfile=dockerfile,
            tag=image,
            buildargs={name: value or "" for name, value in build.args},
            target=build.target or None,
            cache_from=list(build.cache_from) or None,
            labels={**dict(build.labels), **labels},
            network_mode=build.network or None,
            shmsize=build.shm_size,
            extra_hosts=dict(build.extra_hosts) or None,
            nocache=build.no_cache,
            pull=build.pull,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for line in lines:
            _take(line, tail, report, image)
    for tag in build.tags:
        repository, _, name = tag.rpartition(":")
        client.tag(image, repository or tag, name if repository else "latest")


def _take(line: dict[str, Any], tail: deque[str], report: Report, image: str) -> None:
    if "error" in line:
        raise _failed(image, [*tail, str(line["error"]).strip()])
    for text in str(line.get("stream") or "").splitlines():
        tail.append(text)
        report(text, None, None)


@contextmanager
def _dockerfile_of(build: BuildSpec) -> Iterator[str | None]:
    """The Dockerfile as the SDK takes it: one outside the context is added to what is sent."""
    if not build.inline:
        yield build.dockerfile or None
        return
    with tempfile.NamedTemporaryFile("w", prefix="devbox-", suffix=".Dockerfile") as file:
        file.write(build.inline)
        file.flush()
        yield file.name


def _failed(image: str, tail: list[str]) -> StepError:
    step = next((line for line in tail if line.startswith(("Step ", "#")) and "RUN" in line), "")
    words = f"building {image} failed" + (f" at: {step.partition('] ')[2] or step}" if step else "")
    return StepError(Failure(FailureKind.ENGINE, words, tail=tuple(tail)))
