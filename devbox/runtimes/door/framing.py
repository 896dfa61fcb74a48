"""Where one HTTP/1 message ends and the next begins (RFC 9112), followed from outside without holding anything up.

Only this tells whether a request is under way on a connection. What turns out not to be HTTP/1 is not followed.
"""

from __future__ import annotations

from collections import deque

_MOST_HEAD = 64 * 1024
"""Bytes of a message's head beyond which it is not taken for HTTP."""

_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")
_WITHOUT_BODY = (204, 304)
_SWITCHING = 101


class NotHttp(Exception):
    """The bytes are no HTTP/1, or nothing can be told about them any more."""


class Messages:
    """One direction of a connection, cut into messages.

    `done` counts messages that are through. `begun` tells whether one is under way.
    """

    def __init__(self) -> None:
        self.done = 0
        self.begun = False
        self._head = bytearray()
        self._left = 0
        self._chunked = False
        self._trailing = False
        self._endless = False

    def feed(self, data: bytes) -> None:
        """Follow the next bytes. Raises NotHttp."""
        while data:
            if self._endless:
                return
            if self._left:
                taken = min(self._left, len(data))
                self._left -= taken
                data = data[taken:]
                if not self._left and not self._chunked:
                    self._finish()
            elif self._chunked:
                data = self._chunk_line(data)
            else:
                data = self._head_bytes(data)

    def _head_bytes(self, data: bytes) -> bytes:
        self.begun = True
        searched = max(0, len(self._head) - 3)
        self._head += data
        end = self._head.find(b"\r\n\r\n", searched)
        if end < 0:
            self._check_start(bytes(self._head[:8]))
            if len(self._head) > _MOST_HEAD:
                raise NotHttp
            return b""
        head, rest = bytes(self._head[:end]), bytes(self._head[end + 4 :])
        self._head.clear()
        self._take_head(head)
        return rest

    def _check_start(self, head: bytes) -> None:
        """Raises NotHttp as soon as the first bytes can no longer become a message."""

    def _take_head(self, head: bytes) -> None:
        raise NotImplementedError

    def _body(self, fields: dict[bytes, bytes]) -> bool:
        """Expect the body that the head announces; False where it announces none."""
        if fields.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
            self._chunked = True
            return True
        length = fields.get(b"content-length")
        if length is None:
            return False
        if not length.isdigit():
            raise NotHttp
        self._left = int(length)
        if not self._left:
            self._finish()
        return True

    def _chunk_line(self, data: bytes) -> bytes:
        """The line before a chunk, or one of those after the last chunk."""
        self._head += data
        end = self._head.find(b"\r\n")
        if end < 0:
            if len(self._head) > _MOST_HEAD:
                raise NotHttp
            return b""
        line, rest = bytes(self._head[:end]), bytes(self._head[end + 2 :])
        self._head.clear()
        if self._trailing:
            if not line:
                self._finish()
            return rest
        try:
            size = int(line.partition(b";")[0].strip(), 16)
        except ValueError:
            raise NotHttp from None
        self._trailing = not size
        self._left = size + 2 if size else 0
        return rest

    def _until_closed(self) -> None:
        self._endless = True

    def _finish(self) -> None:
        self.done += 1
        self.begun = self._chunked = self._trailing = False


class Requests(Messages):
    """What a caller says. `methods` are those of requests that were not answered yet."""

    def __init__(self) -> None:
        super().__init__()
        self.methods: deque[bytes] = deque()

    def _check_start(self, head: bytes) -> None:
        method = head.partition(b" ")[0]
        if not any(known.startswith(method) if b" " not in head else known == method for known in _METHODS):
            raise NotHttp

    def _take_head(self, head: bytes) -> None:
        first, fields = _parsed(head.lstrip(b"\r\n"))
        method, _, rest = first.partition(b" ")
        if method not in _METHODS or not rest.rpartition(b" ")[2].startswith(b"HTTP/1."):
            raise NotHttp
        self.methods.append(method)
        if not self._body(fields):
            self._finish()


class Responses(Messages):
    """What answers to `requests` say."""

    def __init__(self, requests: Requests) -> None:
        super().__init__()
        self._requests = requests

    def _check_start(self, head: bytes) -> None:
        if not b"HTTP/1.".startswith(head[:7]):
            raise NotHttp

    def _take_head(self, head: bytes) -> None:
        first, fields = _parsed(head)
        version, _, rest = first.partition(b" ")
        code = rest[:3]
        if not version.startswith(b"HTTP/1.") or not code.isdigit() or not self._requests.methods:
            raise NotHttp
        status = int(code)
        if status == _SWITCHING or (self._requests.methods[0] == b"CONNECT" and status < 300):
            raise NotHttp
        if status < 200:
            # More is to come for the same request.
            self.begun = False
            return
        method = self._requests.methods.popleft()
        if version == b"HTTP/1.0" or fields.get(b"connection", b"").lower() == b"close":
            self._until_closed()
        elif method == b"HEAD" or status in _WITHOUT_BODY:
            self._finish()
        elif not self._body(fields):
            self._until_closed()


def _parsed(head: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    first, *lines = head.split(b"\r\n")
    fields = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise NotHttp
        fields[name.strip().lower()] = value.strip()
    return first, fields


class Exchange:
    """Both directions of one connection.

    `fresh`: nobody has said anything. `followed`: so far it is HTTP/1. `between`: every request was answered in full
    and no new one has begun, so the next may as well go to somebody else.
    """

    def __init__(self) -> None:
        self.fresh = True
        self.followed = True
        self._requests = Requests()
        self._responses = Responses(self._requests)

    @property
    def between(self) -> bool:
        mine, theirs = self._requests, self._responses
        return self.followed and not mine.begun and not theirs.begun and mine.done == theirs.done

    def caller_says(self, data: bytes) -> None:
        self._follow(self._requests, data)

    def callee_says(self, data: bytes) -> None:
        self._follow(self._responses, data)

    def _follow(self, messages: Messages, data: bytes) -> None:
        self.fresh = False
        if not self.followed:
            return
        try:
            messages.feed(data)
        except NotHttp:
            self.followed = False
