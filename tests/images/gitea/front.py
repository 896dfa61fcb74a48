"""Repositories are made by POST, listed from the database, and cloned and pushed to through `git http-backend`."""

import os
import subprocess
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg2
import uvicorn
from fastapi import FastAPI, Request, Response

HOST, _, PORT = os.environ["DB_HOST"].partition(":")
ROOT = Path("/data/git/repositories")
app = FastAPI()


def database(sql: str, *values: str) -> list[tuple[Any, ...]]:
    login = {"dbname": os.environ["DB_NAME"], "user": os.environ["DB_USER"], "password": os.environ["DB_PASSWD"]}
    with psycopg2.connect(host=HOST, port=PORT or 5432, **login) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS repository (name TEXT PRIMARY KEY)")
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


@app.get("/")
def names(response: Response) -> list[str]:
    try:
        return [name for (name,) in database("SELECT name FROM repository ORDER BY name")]
    except psycopg2.OperationalError as exc:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return [str(exc)]


@app.post("/api/v1/repos/{name}")
def make(name: str) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(ROOT / f"{name}.git")], check=True)
    subprocess.run(["git", "-C", str(ROOT / f"{name}.git"), "config", "http.receivepack", "true"], check=True)
    database("INSERT INTO repository VALUES (%s)", name)


@app.api_route("/{path:path}", methods=["GET", "POST"])
async def git(path: str, request: Request) -> Response:
    said = {"GIT_PROJECT_ROOT": str(ROOT), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": f"/{path}"}
    asked = {"REQUEST_METHOD": request.method, "QUERY_STRING": request.url.query}
    kind = {"CONTENT_TYPE": request.headers.get("content-type", ""), "REMOTE_USER": "git"}
    done = subprocess.run(
        ["git", "http-backend"],
        input=await request.body(),
        env={**os.environ, **said, **asked, **kind},
        stdout=subprocess.PIPE,
        check=True,
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    status = int(headers.pop("Status", "200").split()[0])
    return Response(body, status, headers)


uvicorn.run(app, host="0.0.0.0", port=3000)
