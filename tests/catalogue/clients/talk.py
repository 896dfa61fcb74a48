"""How every client learns where its server is, and talks HTTP."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any


def given(export: str) -> str:
    """An export of the server."""
    return os.environ[f"STORE_{export.upper()}"]


def http(method: str, url: str, body: Any = None, **headers: str) -> tuple[int, bytes, Any]:
    """A request past every proxy; status, body and headers."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        named.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, data, named, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read(), exc.headers


def well(answer: tuple[int, bytes, Any]) -> Any:
    """The JSON of an answer that must be well."""
    status, body, _ = answer
    if status >= 300:
        raise RuntimeError(f"{status} {body[:300]!r}")
    return json.loads(body or b"null")
