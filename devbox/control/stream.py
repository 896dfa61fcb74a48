"""The asynchronous client: `Control` over a supervisor's socket, for views that draw while they listen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import httpx

from devbox.control.client import not_running
from devbox.control.protocol import Command, ConfigValue, Frame, Verdict, Why
from devbox.domain.codec import decode, encode
from devbox.domain.errors import ControlError, NotRunning, UsageError
from devbox.domain.log import LogChunk, LogQuery
from devbox.domain.measure import MetricsHistory, ProbeResult
from devbox.domain.timing import Timings

T = TypeVar("T")

_ANSWER_LIMIT = 10.0


class StreamingControl:
    """Speaks `control.protocol.Control` to a supervisor."""

    def __init__(self, path: Path, project: str) -> None:
        self._project = project
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://devbox", timeout=_ANSWER_LIMIT)

    async def frames(self) -> AsyncIterator[Frame]:
        async for frame in self._lines("/v1/frames", cast("type[Frame]", Frame), {}):
            yield frame

    async def logs(
        self, services: tuple[str, ...] = (), *, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[LogChunk]:
        query = {"service": list(services), "follow": "1" if follow else "0"}
        if tail is not None:
            query["tail"] = str(tail)
        async for chunk in self._lines("/v1/logs", LogChunk, query):
            yield chunk

    async def search(self, query: LogQuery, *, follow: bool = False) -> AsyncIterator[LogChunk]:
        asked = {"q": json.dumps(encode(query)), "follow": "1" if follow else "0"}
        async for chunk in self._lines("/v1/logs/search", LogChunk, asked):
            yield chunk

    async def lines(self, service: str, replica: int, first: int, count: int, *, stream: str = "stdout") -> LogChunk:
        query = {"replica": replica, "first": first, "count": count, "stream": stream}
        path = f"/v1/logs/lines/{service}?{urlencode(query)}"
        return decode(LogChunk, await self._request("GET", path, None, limit=_ANSWER_LIMIT))

    async def command(self, command: Command) -> Verdict:
        data = await self._request("POST", "/v1/command", encode(command), limit=None)
        return decode(Verdict, data)

    async def why(self, service: str) -> Why:
        return decode(Why, await self._request("GET", f"/v1/why/{service}", None, limit=_ANSWER_LIMIT))

    async def probes(self, service: str, replica: int = 1) -> tuple[ProbeResult, ...]:
        path = f"/v1/probes/{service}?replica={replica}"
        data = await self._request("GET", path, None, limit=_ANSWER_LIMIT)
        return tuple(decode(ProbeResult, each) for each in data)

    async def metrics(self, service: str, replica: int = 1) -> MetricsHistory:
        path = f"/v1/metrics/{service}?replica={replica}"
        return decode(MetricsHistory, await self._request("GET", path, None, limit=_ANSWER_LIMIT))

    async def timings(self) -> Timings:
        return decode(Timings, await self._request("GET", "/v1/timings", None, limit=_ANSWER_LIMIT))

    async def config(self, service: str) -> tuple[ConfigValue, ...]:
        found = await self._request("GET", f"/v1/config/{service}", None, limit=_ANSWER_LIMIT)
        return tuple(decode(ConfigValue, each) for each in found)

    async def close(self) -> None:
        await self._client.aclose()

    async def _request(self, method: str, path: str, body: Any, *, limit: float | None) -> Any:
        try:
            response = await self._client.request(method, path, json=body, timeout=limit)
        except httpx.ConnectError as exc:
            raise not_running(self._project) from exc
        except httpx.HTTPError as exc:
            raise ControlError(f"the supervisor of {self._project} did not answer: {exc!r}") from exc
        _raise_for(response.status_code, response.content)
        return response.json()

    async def _lines(self, path: str, kind: type[T], query: dict[str, Any]) -> AsyncIterator[T]:
        limit = httpx.Timeout(_ANSWER_LIMIT, read=None)
        try:
            async with self._client.stream("GET", path, params=query, timeout=limit) as response:
                if response.status_code >= 400:
                    _raise_for(response.status_code, await response.aread())
                async for line in response.aiter_lines():
                    yield decode(kind, json.loads(line))
        except httpx.ConnectError as exc:
            raise not_running(self._project) from exc
        except httpx.HTTPError as exc:
            raise ControlError(f"the supervisor of {self._project} ended in the middle of a stream") from exc


def _raise_for(status: int, content: bytes) -> None:
    if status < 400:
        return
    try:
        data = json.loads(content)
        kinds = {"NotRunning": NotRunning, "UsageError": UsageError}
        raise kinds.get(data["error"], ControlError)(data["message"], hint=data["hint"])
    except (ValueError, KeyError, TypeError):
        raise ControlError(f"the supervisor answered with {status}") from None
