"""The line to the engine: the SDK's calls on threads, and its errors in our words."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

from devbox.domain.errors import EngineUnavailable, StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.docker.endpoint import Endpoint, endpoint
from devbox.runtimes.docker.rights import refusal
from devbox.runtimes.docker.tunnel import Tunnel

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")

AT_ONCE = 8
"""Calls under way side by side. An engine starts containers no faster with more, measured on two cores."""

WAITING_AT_ONCE = 64
"""Calls that mostly wait (for a container to stop, for a layer to come) side by side."""

OLDEST_API = "1.41"
"""What engines from 20.10 on speak."""

_CALL_LIMIT = 120
_SETTLE_LIMIT = 10.0
_TAKES_LONG = 0.5
"""Seconds after which a call that waits no longer counts as one of `AT_ONCE`."""
_REACH_HINT = "Is it running? `docker info` tells; on Linux `systemctl start docker` starts it."


class EngineLink:
    """One engine, connected to on first use."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.endpoint: Endpoint = endpoint(environ)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="docker")
        self._waiting_pool = ThreadPoolExecutor(WAITING_AT_ONCE, thread_name_prefix="docker wait")
        self._client: APIClient | None = None
        self._connecting = asyncio.Lock()
        self._begins = asyncio.Semaphore(AT_ONCE)
        self._short: set[Future[Any]] = set()

    @property
    def version(self) -> str:
        """The version of the API that the engine speaks; empty before it was connected to."""
        return str(self._client.api_version) if self._client is not None else ""

    async def client(self) -> APIClient:
        """The SDK's low-level client. Raises EngineUnavailable with the address that was tried."""
        async with self._connecting:
            if self._client is None:
                self._client = await self._on_thread(lambda: connect(self.endpoint), self._pool)
            elif self._client.tunnel is not None:
                await self._on_thread(self._client.tunnel.open, self._pool)
            return self._client

    async def call(self, work: Callable[[APIClient], T], *, waits: bool = False) -> T:
        """Do some work with the client, on a thread. The engine's refusals become StepErrors in its own words.

        Work that mostly waits says so, and does not keep other work from its turn.
        """
        client = await self.client()
        if not waits:
            return await self._on_thread(lambda: work(client), self._pool)
        # As many at once as the engine does best; one that takes long makes way for the next to begin.
        async with self._begins:
            waiting = asyncio.ensure_future(self._on_thread(lambda: work(client), self._waiting_pool))
            try:
                await asyncio.wait([waiting], timeout=_TAKES_LONG)
            except asyncio.CancelledError:
                waiting.cancel()
                raise
        return await waiting

    async def settled(self) -> None:
        """Wait until the calls under way are done: one whose caller gave up goes on, and makes what it was to make.

        Those that mostly wait are not waited for.
        """
        await asyncio.to_thread(wait, set(self._short), _SETTLE_LIMIT)

    async def close(self) -> None:
        if self._client is not None:
            disconnect(self._client)
        for pool in (self._pool, self._waiting_pool):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _on_thread(self, work: Callable[[], T], pool: ThreadPoolExecutor) -> T:
        def guarded() -> T:
            with errors_in_words(self.endpoint):
                return work()

        future = pool.submit(guarded)
        if pool is self._pool:
            self._short.add(future)
            future.add_done_callback(self._short.discard)
        return await asyncio.wrap_future(future)


def connect(endpoint: Endpoint, limit: int = _CALL_LIMIT) -> APIClient:
    """The SDK's low-level client for an engine, of the version that both understand; a call takes `limit` s at most."""
    import docker
    from docker.tls import TLSConfig

    tls: Any = False
    tunnel = Tunnel(endpoint.url) if endpoint.url.startswith("ssh://") else None
    if tunnel is not None:
        tunnel.open()
    if folder := endpoint.certificates:
        pair = (os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
        tls = TLSConfig(client_cert=pair, ca_cert=os.path.join(folder, "ca.pem"), verify=endpoint.verify)
    url = tunnel.url_here if tunnel is not None else endpoint.url
    client = docker.APIClient(url, version=OLDEST_API, timeout=limit, tls=tls, max_pool_size=AT_ONCE + 2)
    client.tunnel = tunnel
    # A company's proxy and its certificates, set for the web, must not stand between us and the engine: not even for
    # the first question, which version it speaks.
    client.trust_env = False
    try:
        client._version = client._retrieve_server_version()
    except BaseException:
        disconnect(client)
        raise
    return client


def disconnect(client: APIClient) -> None:
    """Close a client, and the tunnel through which it reaches its engine."""
    client.close()
    if client.tunnel is not None:
        client.tunnel.close()


def is_podman(client: APIClient) -> bool:
    """Whether Podman answers at this socket: a few things it wants otherwise than Docker."""
    return any("podman" in part.get("Name", "").lower() for part in client.version().get("Components") or ())


@contextlib.contextmanager
def errors_in_words(endpoint: Endpoint) -> Iterator[None]:
    """What the SDK raises, as StepError with the engine's own words, or EngineUnavailable with the address tried."""
    import docker.errors
    import requests

    try:
        yield
    except docker.errors.APIError as exc:
        raise StepError(Failure(FailureKind.ENGINE, _refusal(exc))) from exc
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as exc:
        refused = refusal(endpoint.socket) if endpoint.socket else None
        hint = f"{refused.seen[0].upper()}{refused.seen[1:]}: {refused.mend}" if refused else _REACH_HINT
        if endpoint.url.startswith("ssh://"):
            hint = f"`ssh` must get there without asking anything: {str(exc).splitlines()[-1]}"
        words = f"no container engine answers at {endpoint}"
        raise EngineUnavailable(words, hint=hint, address=endpoint.url) from exc


def _refusal(exc: Any) -> str:
    words = str(exc.explanation or exc)
    return words if len(words) < 500 else f"{words[:499]}…"


def explained(failure: Failure) -> Failure:
    """The engine's refusal to make or start a container, with what to do where the words are well known."""
    words = failure.message
    if "port is already allocated" in words or "address already in use" in words:
        return Failure(FailureKind.PORT_TAKEN, words, "Free that port, or publish another one.")
    if "is already in use by container" in words:
        hint = "Remove it; `devbox up --remove-orphans` does, if another tool made it for this project."
        return Failure(FailureKind.ENGINE, words, hint)
    if "executable file not found" in words:
        hint = "Mend `command` or `entrypoint`: the image has no such file."
        return Failure(FailureKind.COMMAND_NOT_FOUND, words, hint)
    return failure
