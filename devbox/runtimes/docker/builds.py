"""Images built from a Dockerfile: by the `docker` client with BuildKit where there is one, by the SDK otherwise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from devbox.domain.container import BuildSpec, Ulimit
from devbox.domain.errors import StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.base import Report
from devbox.runtimes.docker.builders import Builder, client_environment, dockerfile_path, find_builder, flags
from devbox.runtimes.docker.buildoutput import BuildKitOutput, EngineOutput
from devbox.runtimes.docker.engine import is_podman

if TYPE_CHECKING:
    from docker import APIClient

_REMOTE = re.compile(r"(?:https?|git|ssh)://|git@|github\.com/", re.ASCII)


class Builds:
    """The builds under way. Whoever no longer wants one ends it; what ended early says so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[str, Callable[[], None]] = {}
        self._unwanted: set[str] = set()
        self._closed = False

    def build(
        self,
        client: APIClient,
        build: BuildSpec,
        image: str,
        labels: Mapping[str, str],
        environ: Mapping[str, str],
        report: Report,
    ) -> None:
        """Build an image and name it. Raises StepError with the failing step and what it printed."""
        with self._lock:
            self._unwanted.discard(image)
        report(f"building {image}", None, None)
        # Podman has no part of BuildKit, whatever client asks it.
        builder = find_builder(environ, engine_has_buildkit=not is_podman(client))
        builder.check(build, image)
        _check_context(build)
        for sentence in builder.leaves_out(build):
            report(sentence, None, None)
        if builder.program:
            self._by_client(builder, build, image, labels, environ, report)
        else:
            self._by_engine(client, build, image, labels, report)

    def end(self, image: str) -> None:
        """End the build of an image."""
        with self._lock:
            self._unwanted.add(image)
            end = self._ends.get(image)
        if end is not None:
            end()

    def close(self) -> None:
        """End every build; none begins after this."""
        with self._lock:
            self._closed = True
            under_way = list(self._ends)
        for image in under_way:
            self.end(image)

    @contextmanager
    def _under_way(self, image: str, end: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._ends[image] = end
        if self._is_unwanted(image):
            end()
        try:
            yield
        finally:
            with self._lock:
                del self._ends[image]
        if self._is_unwanted(image):
            raise StepError(Failure(FailureKind.ENGINE, f"building {image} was ended before it was done"))

    def _is_unwanted(self, image: str) -> bool:
        with self._lock:
            return self._closed or image in self._unwanted

    def _by_client(
        self,
        builder: Builder,
        build: BuildSpec,
        image: str,
        labels: Mapping[str, str],
        environ: Mapping[str, str],
        report: Report,
    ) -> None:
        argv = [builder.program, "build", "--progress=plain", "-t", image, *flags(builder, build, labels)]
        process = subprocess.Popen(
            [*argv, "-f", "-" if build.inline else dockerfile_path(build), build.context],
            env=client_environment(environ),
            stdin=subprocess.PIPE if build.inline else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        output = BuildKitOutput()
        with self._under_way(image, process.terminate), process:
            if process.stdin is not None:
                with suppress(BrokenPipeError):
                    process.stdin.write(build.inline)
                    process.stdin.close()
            for line in process.stdout or ():
                if text := output.take(line.rstrip()):
                    report(text, None, None)
        if process.returncode:
            raise output.failed(image)

    def _by_engine(
        self, client: APIClient, build: BuildSpec, image: str, labels: Mapping[str, str], report: Report
    ) -> None:
        import docker.errors
        from docker.types import CancellableStream

        output = EngineOutput()
        with _sent(build) as (context, dockerfile):
            parameters = {**_parameters(client, build, image, labels), "dockerfile": dockerfile}
            headers = {"Content-Type": "application/tar"} if context is not None else {}
            client._set_auth_headers(headers)
            url = client._url("/build")
            answer = client._post(url, data=context, params=parameters, headers=headers, stream=True, timeout=None)
        try:
            client._raise_for_status(answer)
        except docker.errors.APIError as exc:
            raise output.failed(image, str(exc.explanation or exc)) from exc
        lines = CancellableStream(client._stream_helper(answer, decode=True), answer)
        done = False
        with self._under_way(image, lines.close):
            for line in lines:
                done = _take(line, output, report, image) or done
        if not done:
            raise output.failed(image, "the engine ended in the middle of it")


def _check_context(build: BuildSpec) -> None:
    if not _REMOTE.match(build.context) and not os.path.isdir(build.context):
        words = f"the build context {build.context} is no directory"
        raise StepError(Failure(FailureKind.DIRECTORY_MISSING, words, "Create it, or mend `build`."))


def _parameters(client: APIClient, build: BuildSpec, image: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """The query of `POST /build`. Of `ulimits` the engine's documentation says nothing, but it takes them."""
    podman = is_podman(client)
    hosts = [f"{name}:{address}" for name, address in build.extra_hosts]
    args = {**client._proxy_configs.get_environment(), **{name: value for name, value in build.args}}
    said = {
        "t": [image, *build.tags],
        "remote": build.context if _REMOTE.match(build.context) else None,
        "buildargs": json.dumps(args),
        "labels": json.dumps({**dict(build.labels), **labels}),
        "cachefrom": json.dumps(build.cache_from) if build.cache_from else None,
        "extrahosts": json.dumps(hosts) if podman and hosts else hosts,
        "target": build.target,
        "networkmode": build.network,
        "shmsize": build.shm_size,
        "ulimits": json.dumps([_ulimit(limit, podman) for limit in build.ulimits]) if build.ulimits else None,
        "isolation": build.isolation,
        "platform": build.platforms[0] if len(build.platforms) == 1 else None,
        "nocache": build.no_cache,
        "pull": build.pull,
        "rm": True,
        "forcerm": True,
    }
    return {name: value for name, value in said.items() if value not in (None, "", [])}


def _ulimit(limit: Ulimit, podman: bool) -> Any:
    if podman:
        return f"{limit.name}={limit.soft}:{limit.hard}"
    return {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard}


@contextmanager
def _sent(build: BuildSpec) -> Iterator[tuple[Any, str | None]]:
    """The archive that the engine is sent, and the Dockerfile's name in it; nothing of a context that is remote."""
    if _REMOTE.match(build.context):
        yield None, build.dockerfile or None
        return
    try:
        archive, dockerfile = _archive(build)
    except OSError as exc:
        words = f"the build context {build.context} cannot be read: {exc}"
        raise StepError(Failure(FailureKind.DIRECTORY_MISSING, words, "Mend it, or name it in .dockerignore.")) from exc
    with archive:
        yield archive, dockerfile


def _archive(build: BuildSpec) -> tuple[Any, str | None]:
    """The context without what `.dockerignore` names; a Dockerfile from elsewhere is added to it."""
    from docker.api.build import process_dockerfile
    from docker.utils.build import tar

    with tempfile.NamedTemporaryFile("w", prefix="devbox-", suffix=".Dockerfile") as file:
        file.write(build.inline)
        file.flush()
        dockerfile = process_dockerfile(file.name if build.inline else build.dockerfile or None, build.context)
        return tar(build.context, exclude=_ignored(build.context), dockerfile=dockerfile), dockerfile[0]


def _ignored(context: str) -> list[str] | None:
    try:
        with open(os.path.join(context, ".dockerignore"), encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except FileNotFoundError:
        return None
    return [line for line in lines if line and not line.startswith("#")]


def _take(line: dict[str, Any], output: EngineOutput, report: Report, image: str) -> bool:
    """Note what the engine says; whether it is that the image is built."""
    if "error" in line:
        raise output.failed(image, str(line["error"]).strip())
    told = str(line.get("stream") or "").splitlines()
    for text in filter(None, map(output.take, told)):
        report(text, None, None)
    return "aux" in line or any(text.startswith("Successfully built ") for text in told)
