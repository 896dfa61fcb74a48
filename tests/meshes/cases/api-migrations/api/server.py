"""The things of the database, and what this was started with."""

import http.server
import json
import os
from pathlib import Path

import psycopg2


def database() -> "psycopg2.extensions.connection":
    # The password is in PGPASSWORD, which the library reads itself.
    return psycopg2.connect(host=os.environ["DATABASE_HOST"], user=os.environ["DATABASE_USER"])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT name FROM things ORDER BY name")
            things = [name for (name,) in cursor.fetchall()]
        settings = json.loads(Path("/etc/api/settings.json").read_text())
        said = {"things": things, "settings": settings, "built": os.environ["BUILT"]}
        body = json.dumps({**said, "greeting": os.environ["GREETING"], "level": os.environ["LOG_LEVEL"]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
