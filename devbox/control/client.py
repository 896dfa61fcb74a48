"""The light client: what short commands use to talk to a supervisor. Imports nothing heavier than http.client."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from devbox.domain.errors import ControlError, DevboxError, EngineUnavailable, NotRunning, UsageError
from devbox.domain.places import Places

_ERRORS: dict[str, type[DevboxError]] = {
    "NotRunning": NotRunning,
    "UsageError": UsageError,
    "EngineUnavailable": EngineUnavailable,
}

CONNECT_LIMIT = 5.0
"""Seconds within which a supervisor that is there takes a connection."""


_READ = 1 << 20


class BrokenOff(ControlError):
    """A stream ended in the middle: its supervisor was killed, or could not go on with it."""


class Client:
    """Requests to one supervisor, each on a connection of its own."""

    def __init__(self, path: Path, project: str) -> None:
        self._path, self._project = path, project

    def get(self, path: str, **query: object) -> Any:
        """The JSON answer to a GET."""
        return self._answer("GET", _with_query(path, query), None, CONNECT_LIMIT * 2)

    def post(self, path: str, body: object, *, limit: float | None = None) -> Any:
        """The JSON answer to a POST; waits `limit` seconds at most (None: as long as it takes)."""
        return self._answer("POST", path, json.dumps(body).encode(), limit)

    def lines(self, path: str, **query: object) -> Iterator[Any]:
        """The JSON objects of a stream, one by one, until it ends in whatever way."""
        with contextlib.suppress(BrokenOff):
            yield from self.every_line(path, **query)

    def every_line(self, path: str, **query: object) -> Iterator[Any]:
        """The JSON objects of a stream, one by one. Raises BrokenOff where it is not the supervisor that ends it."""
        connection = self._open(None)
        try:
            response = self._send(connection, "GET", _with_query(path, query), None)
            pending = b""
            while data := response.read1(_READ):
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    yield json.loads(line)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise BrokenOff(
                f"the supervisor of {self._project} ended in the middle of a stream",
                hint="Its services go on running; `devbox up -d` brings it back.",
            ) from exc
        finally:
            connection.close()

    def _answer(self, method: str, path: str, body: bytes | None, limit: float | None) -> Any:
        connection = self._open(limit)
        try:
            return json.loads(self._send(connection, method, path, body).read())
        except TimeoutError as exc:
            raise ControlError(f"the supervisor of {self._project} did not answer in time") from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise ControlError(
                f"the supervisor of {self._project} ended before it answered",
                hint="Its services go on running; `devbox up -d` brings it back.",
            ) from exc
        finally:
            connection.close()

    def _open(self, limit: float | None) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        try:
            connection.connect()
        except OSError as exc:
            raise not_running(self._project) from exc
        connection.sock.settimeout(limit)
        return connection

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None
    ) -> http.client.HTTPResponse:
        connection.request(method, path, body, {"content-type": "application/json"} if body else {})
        response = connection.getresponse()
        if response.status >= 400:
            raise _error_of(response)
        return response


def not_running(project: str) -> NotRunning:
    """The error for a command that needs a mesh where nobody answers for one."""
    if Places.of(project).about.exists():
        return NotRunning(
            f"the supervisor of {project} is gone; what it started goes on running",
            hint="`devbox up -d` takes it over, `devbox down` takes it away.",
        )
    return NotRunning(f"nothing of {project} runs", hint="`devbox up` starts it.")


def _with_query(path: str, query: dict[str, object]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def _error_of(response: http.client.HTTPResponse) -> DevboxError:
    try:
        data = json.loads(response.read())
        return _ERRORS.get(data["error"], ControlError)(data["message"], hint=data["hint"])
    except (ValueError, KeyError, TypeError):
        return ControlError(f"the supervisor answered with {response.status} {response.reason}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("devbox")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CONNECT_LIMIT)
        self.sock.connect(str(self._path))
