"""The API of an engine, for whoever may ask: what is below /api/endpoints/1/docker is passed on to its socket."""

import json
import sys
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, socket

import uvicorn
from fastapi import FastAPI, Response

SOCKET = sys.argv[sys.argv.index("-H") + 1].removeprefix("unix://")
Path("/data/portainer.json").write_text(json.dumps({"engine": SOCKET}))
app = FastAPI()


class Local(HTTPConnection):
    def connect(self) -> None:
        self.sock = socket(AF_UNIX)
        self.sock.connect(SOCKET)


@app.get("/api/system/status")
def status() -> dict[str, str]:
    return {"Version": "stand-in"}


@app.get("/api/endpoints/1/docker/{path:path}")
def ask(path: str) -> Response:
    engine = Local("localhost", timeout=10)
    engine.request("GET", f"/{path}")
    answer = engine.getresponse()
    return Response(answer.read(), answer.status, media_type="application/json")


uvicorn.run(app, host="0.0.0.0", port=9000)
