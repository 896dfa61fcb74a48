"""Requests go where the labels of containers say; the engine is asked for them at every request."""

import http.client
import http.server
import json
import re
import signal
import socket
import sys
from typing import Any

SOCKET = "/var/run/docker.sock"
OPTIONS = dict(argument.lstrip("-").partition("=")[::2] for argument in sys.argv[1:])
BY_DEFAULT = OPTIONS.get("providers.docker.exposedbydefault", "true") == "true"
PORT = int(OPTIONS.get("entrypoints.web.address", ":80").rpartition(":")[2])


class Engine(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(SOCKET)

    def ask(self, path: str) -> Any:
        self.request("GET", path)
        return json.loads(self.getresponse().read())


def networks() -> set[str]:
    """The networks of this container, which are those that a backend can be reached by."""
    return set(Engine("engine").ask(f"/containers/{socket.gethostname()}/json")["NetworkSettings"]["Networks"])


def backend(path: str) -> tuple[str, int] | None:
    """Where the container is whose rule says most of a path."""
    found: list[tuple[int, str, int]] = []
    ours = networks()
    for container in Engine("engine").ask("/containers/json"):
        labels: dict[str, str] = container["Labels"]
        if labels.get("traefik.enable", str(BY_DEFAULT).lower()) != "true":
            continue
        ports = [v for k, v in labels.items() if re.fullmatch(r"traefik\.http\.services\..+\.server\.port", k)]
        for key, rule in labels.items():
            wanted = re.fullmatch(r"Path(Prefix)?\(`(.*)`\)", rule)
            if not key.startswith("traefik.http.routers.") or wanted is None:
                continue
            if path != wanted[2] and not (wanted[1] and path.startswith(wanted[2])):
                continue
            for network, where in container["NetworkSettings"]["Networks"].items():
                if network in ours:
                    found.append((len(wanted[2]), where["IPAddress"], int(ports[0]) if ports else 80))
    return max(found)[1:] if found else None


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        where = backend(self.path)
        if where is None:
            self.send_error(404)
            return
        try:
            onward = http.client.HTTPConnection(*where, timeout=10)
            onward.request("GET", self.path, headers=dict(self.headers))
            answer = onward.getresponse()
            body = answer.read()
        except OSError as exc:
            self.send_error(502, str(exc))
            return
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# Nobody but the program itself ends it by a signal where it is the first of its container.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(f"listening on {PORT}", flush=True)
http.server.ThreadingHTTPServer(("", PORT), Handler).serve_forever()
