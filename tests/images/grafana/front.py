"""The data sources that a folder describes, for whoever has the administrator's name and password."""

import os
import secrets
import urllib.request
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPBasic, HTTPBasicCredentials

USER = os.environ.get("GF_SECURITY_ADMIN_USER", "admin")
PASSWORD = os.environ.get("GF_SECURITY_ADMIN_PASSWORD", "admin")
SOURCES: list[dict[str, Any]] = [
    source
    for file in sorted(Path("/etc/grafana/provisioning/datasources").glob("*.y*ml"))
    for source in yaml.safe_load(file.read_text())["datasources"]
]

app = FastAPI()
login = Depends(HTTPBasic())


def known(who: HTTPBasicCredentials = login) -> None:
    if not secrets.compare_digest(f"{who.username}:{who.password}", f"{USER}:{PASSWORD}"):
        raise HTTPException(401)


@app.get("/api/health")
def health() -> dict[str, str]:
    return {"database": "ok"}


@app.get("/api/datasources", dependencies=[Depends(known)])
def sources() -> list[dict[str, Any]]:
    return SOURCES


@app.get("/api/datasources/proxy/{number}/{path:path}", dependencies=[Depends(known)])
def proxied(number: int, path: str, request: Request) -> Response:
    url = f"{SOURCES[number - 1]['url']}/{path}?{request.url.query}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return Response(answer.read(), answer.status, media_type=answer.headers["Content-Type"])


uvicorn.run(app, host="0.0.0.0", port=3000)
