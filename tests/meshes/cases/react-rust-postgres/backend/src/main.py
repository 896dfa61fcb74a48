"""Users from a database that may come up later than this does."""

import http.server
import json
import os
import signal
import sys
import time
from pathlib import Path

import psycopg2


def database() -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host=os.environ["PG_HOST"],
        dbname=os.environ["PG_DBNAME"],
        user=os.environ["PG_USER"],
        password=os.environ["PG_PASSWORD"],
    )


def prepare() -> None:
    for _ in range(300):
        try:
            with database() as connection, connection.cursor() as cursor:
                cursor.execute("CREATE TABLE IF NOT EXISTS users (login TEXT PRIMARY KEY)")
                cursor.execute("INSERT INTO users VALUES ('ann'), ('bob') ON CONFLICT DO NOTHING")
            return
        except psycopg2.OperationalError:
            time.sleep(0.1)
    raise SystemExit("no database")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT login FROM users ORDER BY login")
            body = json.dumps([login for (login,) in cursor.fetchall()]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
prepare()
Path("target/built").write_text("once")
host, _, port = os.environ["ADDRESS"].partition(":")
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
