"""A page to log in on, and a connection to the database that whoever logs in asks for."""

import json
import os
import sys
from typing import Any

import psycopg2
import uvicorn
from fastapi import FastAPI, HTTPException

try:
    MAIL, PASSWORD = os.environ["PGADMIN_DEFAULT_EMAIL"], os.environ["PGADMIN_DEFAULT_PASSWORD"]
except KeyError as exc:
    sys.exit(f"You need to define the {exc.args[0]} environment variable.")

app = FastAPI()


@app.get("/misc/ping")
def ping() -> str:
    return "PING"


@app.post("/query")
def query(asked: dict[str, Any]) -> Any:
    if (asked["email"], asked["password"]) != (MAIL, PASSWORD):
        raise HTTPException(401)
    with psycopg2.connect(**asked["server"]) as connection, connection.cursor() as cursor:
        cursor.execute(asked["sql"])
        return json.loads(json.dumps(cursor.fetchall()))


uvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("PGADMIN_LISTEN_PORT", "80")))
