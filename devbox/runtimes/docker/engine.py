"""The line to the engine: the SDK's calls on threads, and its errors in our words."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from devbox.domain.errors import EngineUnavailable, StepError
from devbox.domain.status import Failure, FailureKind
from devbox.runtimes.docker.endpoint import Endpoint, endpoint

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")

AT_ONCE = 8
"""Calls under way side by side. An engine starts containers no faster with more, measured on two cores."""

_CALL_LIMIT = 120
_REACH_HINT = "Is it running? `docker info` tells; on Linux `systemctl start docker` starts it."
_RIGHTS_HINT = "You may not open its socket: `sudo usermod -aG docker $USER`, then log in again."


class EngineLink:
    """One engine, connected to on first use."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.endpoint: Endpoint = endpoint(environ)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="docker")
        self._client: APIClient | None = None
        self._connecting = asyncio.Lock()

    async def client(self) -> APIClient:
        """The SDK's low-level client. Raises EngineUnavailable with the address that was tried."""
        async with self._connecting:
            if self._client is None:
                self._client = await self._on_thread(lambda: self._connect())
            return self._client

    async def call(self, work: Callable[[APIClient], T]) -> T:
        """Do some work with the client, on a thread. The engine's refusals become StepErrors in its own words."""
        client = await self.client()
        return await self._on_thread(lambda: work(client))

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            with self._errors():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._pool, guarded)

    def _connect(self) -> APIClient:
        import docker
        from docker.tls import TLSConfig

        tls: Any = False
        if folder := self.endpoint.certificates:
            pair = (os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
            tls = TLSConfig(client_cert=pair, ca_cert=os.path.join(folder, "ca.pem"), verify=self.endpoint.verify)
        ssh = self.endpoint.url.startswith("ssh://")
        client = docker.APIClient(
            self.endpoint.url,
            version="auto",
            timeout=_CALL_LIMIT,
            tls=tls,
            use_ssh_client=ssh,
            max_pool_size=AT_ONCE + 2,
        )
        # A company's proxy and its certificates, set for the web, must not stand between us and the engine.
        client.trust_env = False
        return client

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        import docker.errors
        import requests

        try:
            yield
        except docker.errors.APIError as exc:
            raise StepError(Failure(FailureKind.ENGINE, _refusal(exc))) from exc
        except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as exc:
            hint = _RIGHTS_HINT if "Permission denied" in str(exc) else _REACH_HINT
            raise EngineUnavailable(f"no container engine answers at {self.endpoint}", hint=hint) from exc


def _refusal(exc: Any) -> str:
    words = str(exc.explanation or exc)
    return words if len(words) < 500 else f"{words[:499]}…"


def explained(failure: Failure) -> Failure:
    """The engine's refusal to start a container, with what to do where the words are well known."""
    words = failure.message
    if "port is already allocated" in words or "address already in use" in words:
        return Failure(FailureKind.PORT_TAKEN, words, "Free that port, or publish another one.")
    if "executable file not found" in words:
        hint = "Mend `command` or `entrypoint`: the image has no such file."
        return Failure(FailureKind.COMMAND_NOT_FOUND, words, hint)
    return failure
