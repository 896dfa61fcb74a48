"""Titles of a blog, from the database that a secret opens."""

import os
from pathlib import Path

import pymysql
import uvicorn
from fastapi import FastAPI

app = FastAPI()


def database() -> pymysql.Connection:
    password = Path("/run/secrets/db-password").read_text().strip()
    return pymysql.connect(host="db", user="root", password=password, database="example", autocommit=True)


with database() as first, first.cursor() as titles:
    titles.execute("CREATE TABLE IF NOT EXISTS blog (id INT PRIMARY KEY, title VARCHAR(80))")
    titles.executemany("REPLACE INTO blog VALUES (%s, %s)", [(n, f"Blog post #{n}") for n in range(1, 6)])


@app.get("/")
def blog() -> list[str]:
    with database() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT title FROM blog ORDER BY id")
        return [title for (title,) in cursor.fetchall()]


uvicorn.run(app, host="0.0.0.0", port=int(os.environ["ASPNETCORE_URLS"].rpartition(":")[2]))
