"""The stand-ins themselves: settings are taken as the images they stand for take them, and a signal ends them."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

import pg8000.native
import pytest
import redis

from tests.meshes.engine import build, container, docker, eventually, port

Options = tuple[str, ...]


def env(**values: str) -> Options:
    return tuple(word for name, value in values.items() for word in ("-e", f"{name}={value}"))


def ends_by_itself(name: str) -> None:
    """PID 1 is the server: `docker stop` has no need to kill it."""
    began = time.monotonic()
    docker("stop", "-t", "20", name)
    assert time.monotonic() - began < 15
    assert docker("inspect", "-f", "{{.State.ExitCode}}", name).strip() in ("0", "143")


def psql(name: str, sql: str, user: str = "postgres", database: str = "postgres") -> str:
    return docker("exec", name, "psql", "-h", "127.0.0.1", "-U", user, "-d", database, "-Atc", sql).strip()


@pytest.fixture
def initial(tmp_path: Path) -> Path:
    """A folder of first statements, in the form of all databases here."""
    folder = tmp_path / "init"
    folder.mkdir()
    (folder / "1-table.sql").write_text("CREATE TABLE things (name VARCHAR(20));")
    (folder / "2-rows.sql").write_text("INSERT INTO things VALUES ('one'), ('two');")
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text('it\'s "secret" $HOME\n')
    return file


def test_postgres_with_a_password_from_a_file_and_first_statements(engine: None, initial: Path, secret: Path) -> None:
    build("postgres")
    (initial / "3-more.sh").write_text(
        "psql -v ON_ERROR_STOP=1 -U $POSTGRES_USER -d $POSTGRES_DB -c \"INSERT INTO things VALUES ('three')\"\n"
    )
    options = (
        *("-p", "127.0.0.1::5432", "-v", f"{initial}:/docker-entrypoint-initdb.d:ro", "-v", f"{secret}:/run/pw:ro"),
        *env(POSTGRES_USER="ann", POSTGRES_DB="shop", POSTGRES_PASSWORD_FILE="/run/pw"),
    )
    with container("postgres:16", "-c", "max_connections=42", options=options) as name:
        eventually(lambda: docker("exec", name, "pg_isready", "-h", "127.0.0.1"))
        where = port(name, 5432)
        with pg8000.native.Connection(
            "ann", password=secret.read_text().strip(), port=where, database="shop"
        ) as connection:
            assert connection.run("SELECT count(*) FROM things") == [[3]]
            assert connection.run("SHOW max_connections") == [["42"]]
        with pytest.raises(pg8000.exceptions.DatabaseError, match="password authentication failed"):
            pg8000.native.Connection("ann", password="wrong", port=where, database="shop")
        assert docker("exec", name, "stat", "-c", "%U", "/proc/1").strip() == "postgres"
        ends_by_itself(name)
        docker("start", name)
        eventually(lambda: docker("exec", name, "pg_isready", "-h", "127.0.0.1"))
        assert psql(name, "SELECT 1", "ann", "shop") == "1"


def test_postgres_wants_a_password_or_trust(engine: None) -> None:
    build("postgres")
    with container("postgres:alpine") as name:
        assert docker("wait", name).strip() == "1"
        assert "superuser password is not specified" in docker("logs", name)
    options = (*env(POSTGRES_HOST_AUTH_METHOD="trust", PGDATA="/elsewhere/data"), "-u", "root")
    with container("postgres:12-alpine", options=options) as name:
        assert eventually(lambda: psql(name, "SHOW data_directory")) == "/elsewhere/data"


def test_mariadb_with_a_password_from_a_file_and_first_statements(engine: None, initial: Path, secret: Path) -> None:
    build("mariadb")
    options = (
        *("-v", f"{initial}:/docker-entrypoint-initdb.d:ro", "-v", f"{secret}:/run/pw:ro"),
        *env(MYSQL_ROOT_PASSWORD_FILE="/run/pw", MYSQL_DATABASE="shop", MYSQL_USER="ann", MARIADB_PASSWORD="pw"),
    )

    def sql(name: str, statement: str) -> str:
        client = ("exec", name, "mariadb", "-h127.0.0.1", "-uann", "-ppw", "-Ne", statement, "shop")
        return docker(*client).strip()

    with container("mariadb:10.5", "--binlog-format=ROW", "--max-connections=42", options=options) as name:
        assert eventually(lambda: sql(name, "SELECT count(*) FROM things")) == "2"
        assert sql(name, "SELECT @@max_connections") == "42"
        root = 'mariadb -h 127.0.0.1 -uroot --password="$(cat /run/pw)" -e "SELECT 1"'
        docker("exec", name, "sh", "-c", root)
        assert "Access denied" in docker("exec", name, "mariadb", "-h127.0.0.1", "-uroot", "-e", "", check=False)
        ping = 'mysqladmin ping -h 127.0.0.1 --password="$(cat /run/pw)" --silent'
        docker("exec", name, "sh", "-c", ping)
        docker("exec", name, "healthcheck.sh", "--connect")
        assert docker("exec", name, "stat", "-c", "%U", "/proc/1").strip() == "mysql"
        ends_by_itself(name)
        docker("start", name)
        assert eventually(lambda: sql(name, "SELECT count(*) FROM things")) == "2"


def test_mariadb_wants_a_password_or_none_at_all(engine: None) -> None:
    build("mariadb")
    with container("mariadb:10.9") as name:
        assert docker("wait", name).strip() == "1"
        assert "password option is not specified" in docker("logs", name)
    with container("mariadb:10-focal", options=env(MARIADB_ALLOW_EMPTY_ROOT_PASSWORD="1")) as name:
        eventually(lambda: docker("exec", name, "mysqladmin", "-h", "127.0.0.1", "ping"))


def test_redis_with_options_and_without(engine: None) -> None:
    build("redis")
    with container("redis:alpine", options=("-p", "127.0.0.1::6379")) as name:
        client = redis.Redis(port=port(name, 6379))
        assert eventually(lambda: client.set("a", "b"))
        client.close()
        ends_by_itself(name)
    with container("redislabs/redismod", "--requirepass", "pw", options=("-p", "127.0.0.1::6379")) as name:
        client = redis.Redis(port=port(name, 6379), password="pw")
        assert eventually(client.ping)
        client.close()
        assert docker("exec", name, "stat", "-c", "%U", "/proc/1").strip() == "redis"


def test_nginx_takes_its_templates(engine: None, tmp_path: Path) -> None:
    build("nginx")
    (tmp_path / "site.conf.template").write_text(
        'server { listen 8080; location / { return 200 "$GREETING from $host"; } }'
    )
    options = ("-p", "127.0.0.1::8080", "-v", f"{tmp_path}:/etc/nginx/templates:ro", *env(GREETING="hello"))
    with container("nginx:alpine", options=options) as name:
        url = f"http://127.0.0.1:{port(name, 8080)}/"

        def body() -> bytes:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())

        assert eventually(body) == b"hello from 127.0.0.1"
        ends_by_itself(name)


def test_prometheus_answers_queries(engine: None) -> None:
    build("prometheus")
    with container("prom/prometheus", options=("-p", "127.0.0.1::9090")) as name:
        url = f"http://127.0.0.1:{port(name, 9090)}/api/v1/query?query=up"

        def body() -> bytes:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())

        assert b'"success"' in eventually(body)
        ends_by_itself(name)
