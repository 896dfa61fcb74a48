"""The probe by HTTP: one request, and what came of it in words that tell each way to fail from the others."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

from devbox.domain.spec import HttpCheck

if TYPE_CHECKING:
    import httpx

_BODY_SHOWN = 200
"""Characters of a body that are shown where it tells why."""


class HttpProbe:
    """Asks by HTTP, with one client for all."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def ask(self, host: str, port: int, check: HttpCheck, limit: float) -> tuple[bool, str]:
        """Make one request, which is over after `limit` seconds."""
        import httpx

        if self._client is None:
            limits = httpx.Limits(max_keepalive_connections=0)
            self._client = httpx.AsyncClient(trust_env=False, timeout=None, limits=limits)
        url, end = f"http://{host}:{port}{check.path}", time.monotonic() + limit
        try:
            async with asyncio.timeout(limit):
                response = await self._client.send(self._client.build_request("GET", url), stream=True)
        except TimeoutError:
            return False, f"no answer within {limit:g} s"
        except httpx.HTTPError as exc:
            return False, f"GET {url}: {_no_answer(exc)}"
        words = f"GET {check.path}: {response.status_code} {response.reason_phrase}".rstrip()
        try:
            async with asyncio.timeout(end - time.monotonic()):
                await response.aread()
        except TimeoutError:
            return False, f"{words}, but its body had not ended after {limit:g} s"
        except httpx.HTTPError as exc:
            return False, f"{words}, but {_cut_off(exc)}"
        finally:
            await response.aclose()
        return _judged(response, check, words)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def _judged(response: httpx.Response, check: HttpCheck, words: str) -> tuple[bool, str]:
    """Whether a whole answer is a good one."""
    body = " ".join(response.text.split())[:_BODY_SHOWN]
    low, high = check.status
    if not low <= response.status_code <= high:
        return False, f"{words}: {body}" if body else words
    if check.body is not None and not re.search(check.body, response.text):
        return False, f"{words}, but the body does not match /{check.body}/: {body or 'it is empty'}"
    return True, words


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
