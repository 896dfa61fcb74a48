"""The probe by HTTP: one request, and what came of it in words that tell each way to fail from the others."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from devbox.domain.spec import HttpCheck, Tls
from devbox.engine import tls

if TYPE_CHECKING:
    from types import ModuleType

    import httpx

_BODY_SHOWN = 200
"""Characters of a body that are shown where it tells why."""

_BODY_READ = 1 << 20
"""Bytes of a body that are read: one without end must not fill the memory."""

_MOST_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was asked, in words, the status that came and the text of the body."""

    words: str
    status: int
    text: str


class HttpProbe:
    """Asks by HTTP, with one client for each way of judging certificates."""

    def __init__(self) -> None:
        _spare_a_search()
        self._clients: dict[Tls | None, tuple[float, httpx.AsyncClient]] = {}

    async def ask(self, host: str, port: int, check: HttpCheck, limit: float) -> tuple[bool, str]:
        """Make one request, which is over after `limit` seconds."""
        import httpx

        url, end = f"{'http' if check.tls is None else 'https'}://{host}:{port}{check.path}", time.monotonic() + limit
        try:
            client = await self._client(check)
            async with asyncio.timeout(end - time.monotonic()):
                headers = [(name, str(value)) for name, value in check.headers]
                request = client.build_request(check.method, url, headers=headers)
                response = await client.send(request, stream=True, follow_redirects=check.redirects)
        except tls.UnreadableCa as exc:
            return False, exc.message
        except TimeoutError:
            return False, f"no answer within {limit:g} s"
        except httpx.TooManyRedirects:
            return False, f"{check.method} {check.path}: it redirects more than {_MOST_REDIRECTS} times"
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            return False, f"{check.method} {url}: {tls.in_words(exc, host) or _no_answer(exc)}"
        words = _asked(response, check)
        try:
            async with asyncio.timeout(end - time.monotonic()):
                text = await _text(response)
        except TimeoutError:
            return False, f"{words}, but its body had not ended after {limit:g} s"
        except httpx.HTTPError as exc:
            return False, f"{words}, but {_cut_off(exc)}"
        finally:
            await response.aclose()
        return _judged(_Answer(words, response.status_code, text), check)

    async def close(self) -> None:
        for _, client in self._clients.values():
            await client.aclose()

    async def _client(self, check: HttpCheck) -> httpx.AsyncClient:
        """The client for a check. A redirect may lead on to TLS, where the authorities of this machine count."""
        import httpx

        how = Tls() if check.tls is None and check.redirects else check.tls
        stamp = tls.stamp(how) if how is not None else 0.0
        made, client = self._clients.get(how, (-1.0, None))
        if client is not None and made == stamp:
            return client
        verify = await asyncio.to_thread(tls.context, how) if how is not None else False
        limits = httpx.Limits(max_keepalive_connections=0)
        fresh = httpx.AsyncClient(
            trust_env=False,
            timeout=None,
            limits=limits,
            verify=verify,
            max_redirects=_MOST_REDIRECTS,
            event_hooks={"request": [_name_server]},
        )
        self._clients[how] = (stamp, fresh)
        return fresh


def _spare_a_search() -> None:
    """Say once and for all that a package is not there for which httpx's transport looks at each of its locks.

    Searching for it in vain, six times a probe, takes a third of what a probe takes.
    """
    if "sniffio" not in sys.modules and importlib.util.find_spec("sniffio") is None:
        sys.modules["sniffio"] = cast("ModuleType", None)


async def _name_server(request: httpx.Request) -> None:
    """Have the server's certificate compared with the name that a server on loopback gives itself."""
    if request.url.scheme == "https":
        request.extensions = {**request.extensions, "sni_hostname": tls.server_name(request.url.host)}


def _asked(response: httpx.Response, check: HttpCheck) -> str:
    """The request and its answer in words, with where it led."""
    status = f"{response.status_code} {response.reason_phrase}".rstrip()
    through = "".join(f" → {_place(step)}" for step in response.history)
    words = f"{check.method} {check.path}{through}: {status}"
    if response.has_redirect_location:
        words += f", which leads to {_place(response)} and was not followed"
    return words


def _place(response: httpx.Response) -> str:
    """Where a redirect leads, as its server wrote it."""
    return str(response.headers["location"])[:_BODY_SHOWN]


async def _text(response: httpx.Response) -> str:
    """The body, or what it begins with."""
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _BODY_READ:
            break
    return body[:_BODY_READ].decode(response.encoding or "utf-8", "replace")


def _judged(answer: _Answer, check: HttpCheck) -> tuple[bool, str]:
    """Whether a whole answer is a good one."""
    body = " ".join(answer.text[: 4 * _BODY_SHOWN].split())[:_BODY_SHOWN]
    low, high = check.status
    if not low <= answer.status <= high:
        return False, f"{answer.words}: {body}" if body else answer.words
    if check.body is not None and not re.search(check.body, answer.text):
        return False, f"{answer.words}, but the body does not match /{check.body}/: {body or 'it is empty'}"
    return True, answer.words


def _no_answer(exc: Exception) -> str:
    """Why no answer came, in the words a person would use."""
    text = str(exc)
    if "All connection attempts failed" in text or "refused" in text:
        return "connection refused"
    if "disconnected without" in text:
        return "the connection was closed without an answer"
    if "illegal status line" in text:
        return "what answers does not speak HTTP"
    if _was_reset(exc):
        return "the connection was reset before an answer came"
    return text or type(exc).__name__


def _cut_off(exc: Exception) -> str:
    """Why a body did not come to its end."""
    if _was_reset(exc):
        return "the connection was reset in the middle of its body"
    if "without sending complete" in str(exc):
        return "the connection was closed in the middle of its body"
    return f"its body is broken: {str(exc) or type(exc).__name__}"


def _was_reset(exc: BaseException | None) -> bool:
    """Whether what lies at the root of an error is a reset connection."""
    while exc is not None and not isinstance(exc, ConnectionResetError):
        exc = exc.__cause__ or exc.__context__
    return exc is not None
