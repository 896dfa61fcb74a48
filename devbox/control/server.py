"""The supervisor's socket: HTTP over a Unix socket that only its owner may open.

    GET  /v1/state                    a Snapshot
    GET  /v1/frames?measure=0|1       Frames, one JSON object a line
    GET  /v1/logs?service=&tail=&follow=&frames=   LogChunks, one a line; with frames=1 Frames among them
    GET  /v1/logs/search?q=&follow=  LogChunks that a LogQuery (as JSON) asks for, one a line
    GET  /v1/logs/lines/SERVICE?replica=&stream=&first=&count=     a LogChunk
    GET  /v1/events?since=SEQ         Events of the journal, one a line
    GET  /v1/why/SERVICE              a Why
    GET  /v1/probes/SERVICE?replica=  ProbeResults, oldest first
    GET  /v1/metrics/SERVICE?replica= a MetricsHistory
    GET  /v1/timings                  Timings of the last start
    GET  /metrics                     what every replica uses, in Prometheus' text format
    GET  /v1/config/SERVICE           ConfigValues
    POST /v1/up                       {app, command, manifest} -> Verdict
    POST /v1/plan                     {app, services} -> {plan}
    POST /v1/command                  a Command -> Verdict

Errors are {error, message, hint} with status 400 (bad usage), 409 (not running), 503 (no engine), 500.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from devbox.control.exposition import CONTENT_TYPE
from devbox.control.local import LocalControl
from devbox.control.protocol import Bye, Command, ConfigValue, ManifestChoice
from devbox.domain.codec import DecodeError, decode, encode
from devbox.domain.errors import DevboxError, EngineUnavailable, NotRunning, UsageError
from devbox.domain.log import LogChunk, LogQuery
from devbox.domain.spec import AppSpec
from devbox.engine.logs.pattern import pattern_of

log = logging.getLogger(__name__)

_LAST_LINES_LIMIT = 0.8
"""Seconds within which a reader takes the last lines when the supervisor ends."""

Handler = Callable[[Request], Awaitable[Response]]


class Manifest(Protocol):
    """Who can read the manifest again. `control` knows nothing of manifests; whoever wires it brings one."""

    def chosen(self, choice: ManifestChoice) -> None:
        """Follow this manifest from now on."""

    async def values(self, service: str) -> tuple[ConfigValue, ...]:
        """What it says of a service."""


def make_app(control: LocalControl, manifest: Manifest) -> Starlette:
    """The ASGI application that serves one mesh."""

    async def state(_: Request) -> Response:
        return JSONResponse(encode(await control.state()))

    async def frames(request: Request) -> Response:
        return _lines(control.frames(measure=request.query_params.get("measure") != "0"))

    async def logs(request: Request) -> Response:
        query = request.query_params
        tail = int(query["tail"]) if query.get("tail") else None
        chunks = control.logs(query.getlist("service"), tail=tail, follow=query.get("follow") == "1")
        if query.get("frames") == "1":
            return _lines(merged(control.frames(measure=False), chunks))
        return _lines(_until_bye(control, chunks) if query.get("follow") == "1" else chunks)

    async def search(request: Request) -> Response:
        query = decode(LogQuery, json.loads(request.query_params["q"]))
        if request.query_params.get("follow") == "1":
            pattern_of(query)
            return _lines(_until_bye(control, control.search(query, follow=True)))
        return _lines(await _begun(control.search(query)))

    async def lines(request: Request) -> Response:
        query = request.query_params
        first, count = int(query.get("first") or 0), int(query.get("count") or 100)
        name, replica = request.path_params["service"], int(query.get("replica") or 1)
        found = await control.lines(name, replica, first, count, stream=query.get("stream") or "stdout")
        return JSONResponse(encode(found))

    async def events(request: Request) -> Response:
        since = int(request.query_params.get("since") or 0)
        return JSONResponse(encode(control.engine.journal.since(since), saved_only=True))

    async def why(request: Request) -> Response:
        return JSONResponse(encode(await control.why(request.path_params["service"]), saved_only=True))

    async def probes(request: Request) -> Response:
        return JSONResponse(encode(control.probes(request.path_params["service"], _replica(request))))

    async def metrics(request: Request) -> Response:
        return JSONResponse(encode(control.metrics(request.path_params["service"], _replica(request))))

    async def timings(_: Request) -> Response:
        return JSONResponse(encode(control.timings()))

    async def scraped(_: Request) -> Response:
        return Response(control.exposition(), media_type=CONTENT_TYPE)

    async def unit(request: Request) -> Response:
        secrets = request.query_params.get("secrets") == "1"
        placed = control.placed(request.path_params["service"], _replica(request), secrets=secrets)
        return JSONResponse(encode(placed))

    async def up(request: Request) -> Response:
        data = await request.json()
        if choice := data.get("manifest"):
            manifest.chosen(decode(ManifestChoice, choice))
        return JSONResponse(encode(await control.up(decode(AppSpec, data["app"]), decode(Command, data["command"]))))

    async def config(request: Request) -> Response:
        return JSONResponse(encode(await manifest.values(request.path_params["service"])))

    async def plan(request: Request) -> Response:
        data = await request.json()
        decision = control.engine.preview(decode(AppSpec, data["app"]), data["services"], "devbox up")
        return JSONResponse({"plan": str(decision.plan), "steps": len(decision.plan.steps)})

    async def command(request: Request) -> Response:
        return JSONResponse(encode(await control.command(decode(Command, await request.json()))))

    return Starlette(
        routes=[
            Route("/v1/state", _guarded(state)),
            Route("/v1/frames", _guarded(frames)),
            Route("/v1/logs", _guarded(logs)),
            Route("/v1/logs/search", _guarded(search)),
            Route("/v1/logs/lines/{service}", _guarded(lines)),
            Route("/v1/events", _guarded(events)),
            Route("/v1/why/{service}", _guarded(why)),
            Route("/metrics", _guarded(scraped)),
            Route("/v1/probes/{service}", _guarded(probes)),
            Route("/v1/metrics/{service}", _guarded(metrics)),
            Route("/v1/timings", _guarded(timings)),
            Route("/v1/unit/{service}", _guarded(unit)),
            Route("/v1/config/{service}", _guarded(config)),
            Route("/v1/up", _guarded(up), methods=["POST"]),
            Route("/v1/plan", _guarded(plan), methods=["POST"]),
            Route("/v1/command", _guarded(command), methods=["POST"]),
        ]
    )


def _replica(request: Request) -> int:
    return int(request.query_params.get("replica") or 1)


def _guarded(handler: Handler) -> Handler:
    """`handler`, with every error it raises put into words on the wire."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except NotRunning as exc:
            return _error("NotRunning", exc.message, exc.hint, 409)
        except UsageError as exc:
            return _error("UsageError", exc.message, exc.hint, 400)
        except EngineUnavailable as exc:
            return _error("EngineUnavailable", exc.message, exc.hint, 503)
        except DevboxError as exc:
            return _error("ControlError", exc.message, exc.hint, 500)
        except (DecodeError, ValueError, KeyError) as exc:
            log.exception("a request made no sense")
            return _error("ControlError", f"the supervisor did not understand the request: {exc!r}", _VERSIONS, 400)

    return guarded


_VERSIONS = "Is it of another version? `devbox down` and `devbox up` start a new one."


def _error(kind: str, message: str, hint: str, status: int) -> Response:
    return JSONResponse({"error": kind, "message": message, "hint": hint}, status_code=status)


def _lines(items: AsyncIterator[Any]) -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        async with contextlib.aclosing(items) as stream:  # type: ignore[type-var]
            async for item in stream:
                yield json.dumps(encode(item, saved_only=True), separators=(",", ":")).encode() + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


async def _begun(items: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """`items`, once the first is there: so that what is wrong with a question is said before the answer begins."""
    first = [item async for item in _first(items)]

    async def rest() -> AsyncIterator[Any]:
        for item in first:
            yield item
        async with contextlib.aclosing(items) as stream:  # type: ignore[type-var]
            async for item in stream:
                yield item

    return rest()


async def _first(items: AsyncIterator[Any]) -> AsyncIterator[Any]:
    with contextlib.suppress(StopAsyncIteration):
        yield await anext(items)


async def _until_bye(control: LocalControl, chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Log chunks without end, until the supervisor ends."""
    async for item in merged(control.frames(measure=False), chunks):
        if isinstance(item, LogChunk):
            yield item


async def merged(frames: AsyncIterator[Any], chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Frames and log chunks as one stream, in the order in which they come. The Bye comes last of all.

    What breaks off one of them breaks off the whole: nobody waits for lines that will not come.
    """
    queue: asyncio.Queue[Any] = asyncio.Queue(64)

    async def drain(stream: AsyncIterator[Any]) -> None:
        try:
            async for item in stream:
                await queue.put(item)
        except Exception as exc:
            log.exception("a stream of logs broke off")
            await queue.put(exc)

    logs = asyncio.create_task(drain(chunks))
    rest = asyncio.create_task(drain(frames))
    try:
        while True:
            item = await queue.get()
            if isinstance(item, Bye):
                break
            if isinstance(item, Exception):
                raise item
            yield item
        async with asyncio.timeout(_LAST_LINES_LIMIT):
            while not (logs.done() and queue.empty()):
                waiting = asyncio.create_task(queue.get())
                await asyncio.wait([waiting, logs], return_when=asyncio.FIRST_COMPLETED)
                if waiting.done():
                    yield waiting.result()
                else:
                    waiting.cancel()
    except TimeoutError:
        log.warning("a reader of logs was too slow for the last lines")
    finally:
        logs.cancel()
        rest.cancel()
        await asyncio.gather(logs, rest, return_exceptions=True)
    yield item
