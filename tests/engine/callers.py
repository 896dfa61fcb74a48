"""Clients that ask a server again and again while something happens to it, and count what they get."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType


@dataclass
class Callers:
    """Asks `port` `rate` times a second, half of it over connections that stay, half over new ones.

    No request is tried twice. `failures` are those that were not answered with 200; `answers` counts bodies.
    """

    port: int
    rate: int = 200
    failures: list[str] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Callers:
        kinds = [True, True, False, False]
        self._threads = [
            threading.Thread(target=self._ask, args=(keep, len(kinds) / self.rate), daemon=True) for keep in kinds
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self, keep: bool, every: float) -> None:
        connection: http.client.HTTPConnection | None = None
        due = time.monotonic()
        while not self._over.is_set():
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            # With this a connection that the other side has closed is an error, not a reason to connect anew.
            connection.auto_open = 1 if connection.sock is None else 0
            try:
                connection.request("GET", "/", headers={} if keep else {"Connection": "close"})
                answer = connection.getresponse()
                self._count(f"{answer.status}" if answer.status != 200 else "", answer.read().decode())
            except (OSError, http.client.HTTPException) as exc:
                self._count(f"{'kept' if keep else 'new'} connection: {exc!r}", "")
                connection.close()
                connection = None
            if not keep and connection is not None:
                connection.close()
                connection = None
            due += every
            time.sleep(max(0.0, due - time.monotonic()))
        if connection is not None:
            connection.close()

    def _count(self, failure: str, body: str) -> None:
        with self._lock:
            self.asked += 1
            if failure:
                self.failures.append(failure)
            else:
                self.answers[body] = self.answers.get(body, 0) + 1
