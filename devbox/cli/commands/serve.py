"""`devbox serve`: the panel in a browser, on this machine only."""

from __future__ import annotations

import functools
import secrets
import socket
import sys

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, say
from devbox.cli.launch import supervisor_answers
from devbox.control.client import not_running
from devbox.domain.errors import UsageError


def run(args: Arguments) -> int:
    places = args.project().places()
    if not supervisor_answers(places):
        raise not_running(places.project)
    try:
        from devbox.views.tui.serve import PanelServer
    except ModuleNotFoundError as exc:
        raise UsageError(
            f"the panel in a browser needs {exc.name}, which is not installed", hint="pip install 'devbox[browser]'"
        ) from exc
    port = args.port or _free_port()
    _check(port)
    argv = (sys.executable, "-m", "devbox", "-p", places.project, "attach")
    server = PanelServer(
        argv, port, f"devbox {places.project}", secrets.token_urlsafe(24), functools.partial(print, flush=True)
    )
    say(f"the panel of {places.project} is served until Ctrl-C; whoever has the address can use it:")
    server.serve()
    return DONE


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def _check(port: int) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as exc:
            raise UsageError(f"port {port} cannot be had: {exc}", hint="Try another --port, or none.") from exc
