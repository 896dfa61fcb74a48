"""The panel in a browser: textual-serve on this machine's loopback, for whoever has the token.

The token comes in the address, once; from then on the browser has it as a cookie that no other site can make it send.
Requests by another host name than loopback's are refused, so that no page can reach the panel by a name of its own that
leads here.
"""

from __future__ import annotations

import asyncio
import hmac
import shlex
import signal
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

COOKIE = "devbox-token"
_HOSTS = ("127.0.0.1", "localhost")
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self' ws://{host}; frame-ancestors 'none'; base-uri 'none'"
)


class PanelServer(Server):
    """Starts a panel for every page that is opened. `argv` is the command that shows it.

    `announce` is told the address once somebody who goes there is answered.
    """

    def __init__(self, argv: Sequence[str], port: int, title: str, token: str, announce: Callable[[str], None]) -> None:
        super().__init__(shlex.join(argv), host=_HOSTS[0], port=port, title=title)
        self._token, self._announce = token, announce

    @property
    def address(self) -> str:
        """What a browser opens."""
        return f"{self.public_url}/?token={self._token}"

    def serve(self, debug: bool = False) -> None:
        """Serve until Ctrl-C or a SIGTERM."""
        loop = asyncio.new_event_loop()
        for ending in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(ending, self.request_exit)
        web.run_app(
            self._make_app(),
            host=self.host,
            port=self.port,
            handle_signals=False,
            loop=loop,
            # It has something to print once it listens.
            print=lambda *_: self._announce(self.address),
        )

    def initialize_logging(self) -> None:
        """Nothing is logged: the terminal belongs to whoever typed the command."""

    async def on_startup(self, app: web.Application) -> None:
        """No banner."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard())
        return app

    def _guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if (request.url.host or "") not in _HOSTS:
                raise web.HTTPMisdirectedRequest(text="The panel answers to 127.0.0.1 and localhost only.\n")
            if "token" in request.query and self._knows(request.query["token"]):
                raise self._welcome(request)
            if not self._knows(request.cookies.get(f"{COOKIE}-{self.port}", "")):
                raise web.HTTPForbidden(text="Open the address that `devbox serve` printed: it has a token in it.\n")
            if not self._same_site(request):
                raise web.HTTPForbidden(text="Another site may not open the panel.\n")
            response = await handler(request)
            if not response.prepared:
                response.headers["Content-Security-Policy"] = _POLICY.format(host=request.host)
                response.headers["Referrer-Policy"] = "no-referrer"
            return response

        return guard

    def _welcome(self, request: web.Request) -> web.HTTPFound:
        """Go on without the token in the address, where a history or a screen shared would show it."""
        found = web.HTTPFound(request.path)
        found.set_cookie(f"{COOKIE}-{self.port}", self._token, httponly=True, samesite="Strict")
        return found

    def _knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())

    def _same_site(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        return origin is None or origin == f"{request.scheme}://{request.host}"
