"""The probe by TCP: whether somebody takes a connection."""

from __future__ import annotations

import asyncio

_PROXY_PATIENCE = 0.1
"""Seconds after which a connection that a proxy took and did not close counts as taken by the service."""


async def ask(host: str, port: int, *, proxied: bool) -> tuple[bool, str]:
    """Whether somebody takes a connection.

    A `proxied` port is taken by the engine, before anybody is behind it and for a moment after. So it is tried twice,
    with a pause in which the engine closes what nobody wants, or tells that the container has ended.
    """
    for _ in range(2 if proxied else 1):
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except ConnectionRefusedError:
            return False, f"nobody listens on {host}:{port}"
        except OSError as exc:
            return False, f"{host}:{port} cannot be reached: {exc.strerror or exc}"
        try:
            if proxied and await _closes_at_once(reader):
                return False, f"nobody listens behind {host}:{port}"
        finally:
            writer.close()
    return True, f"{host}:{port} accepts connections"


async def _closes_at_once(reader: asyncio.StreamReader) -> bool:
    """Whether a connection is over as soon as it is made: so an engine's proxy says that the container refused."""
    try:
        async with asyncio.timeout(_PROXY_PATIENCE):
            return not await reader.read(1)
    except TimeoutError:
        return False
    except OSError:
        return True
