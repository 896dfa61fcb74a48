"""Compose files as people have them, with real servers: up, served, down, and the engine is as it was before.

Their images are the stand-ins of tests/images, which have the names that such files use; their ports are the ports of
such files, so nothing else may have those while this runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pg8000.native
import pytest
import redis

from tests.docker.remains import everything
from tests.meshes.case import Case, case, get
from tests.meshes.engine import build, docker, eventually


def flask_with_a_secret(it: Case) -> None:
    assert "Blog post #4" in get(80).text
    assert get(8000).text == get(80).text
    client = 'mysql -h127.0.0.1 -uroot -p"$(cat /run/secrets/db-password)" -Ne "SELECT count(*) FROM blog" example'
    assert it.exec("db", "sh", "-c", client).strip() == "4"
    networks = docker(
        "inspect", "-f", "{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}", f"{it.manifest}-backend-1"
    )
    assert networks.split() == [f"{it.manifest}_backnet", f"{it.manifest}_frontnet"]
    lookup = "import socket; socket.gethostbyname('db')"
    assert it.devbox("exec", "-T", "backend", "python3", "-c", lookup).returncode == 0
    assert it.devbox("exec", "-T", "proxy", "getent", "hosts", "db").returncode != 0


def go_with_a_secret(it: Case) -> None:
    assert get(80).json() == [f"Blog post #{n}" for n in range(5)]
    assert it.exec("db", "psql", "-Atc", "SELECT count(*) FROM blog", "example").strip() == "5"
    assert it.exec("db", "id", "-un").strip() == "postgres"
    assert it.devbox("exec", "-T", "proxy", "touch", "/etc/nginx/conf.d/default.conf").returncode != 0


def two_networks_and_a_cache(it: Case) -> None:
    assert get(3000, "/api").json() == ["ann", "bob"]
    page = it.directory / "frontend" / "src" / "page.html"
    page.write_text("changed")
    assert get(3000).text == "changed"
    with pg8000.native.Connection("postgres", password="mysecretpassword", port=5432) as connection:
        assert connection.run("SELECT count(*) FROM users") == [[2]]
    mounted = docker(
        "run", "--rm", "-v", f"{it.manifest}_backend-cache:/it:ro", "devbox-test/debian", "cat", "/it/built"
    )
    assert mounted == "once"
    assert not (it.directory / "backend" / "target").exists()


def balanced(it: Case) -> None:
    told = [get(80).text for _ in range(4)]
    assert {text.split(":")[0] for text in told} == {"web1", "web2"}
    assert get(81).text == "web1: Number of visits is: 5"
    assert get(82).text == "web2: Number of visits is: 6"
    client = redis.Redis(port=6379)
    assert client.get("numVisits") == b"6"
    client.close()


def source_from_the_host(it: Case) -> None:
    assert "viewed 1 time" in get(8000).text
    assert "viewed 2 time" in get(8000).text
    client = redis.Redis(port=6379)
    assert client.get("hits") == b"2"
    client.close()
    container = f"{it.manifest}-web-1"
    assert docker("inspect", "-f", "{{.Config.StopSignal}}", container).strip() == "SIGINT"
    began = time.monotonic()
    it.ok("stop", "web")
    assert time.monotonic() - began < 8, "an interrupt ends it; only a kill takes longer"
    it.ok("start", "web")
    assert "viewed 3 time" in get(8000).text


def wordpress(it: Case) -> None:
    page = get(80, "/wp-admin/install.php?step=1").text
    assert "Site Title" in page
    form = {
        "weblog_title": "A mesh",
        "user_name": "ann",
        "admin_password": "of a test",
        "admin_password2": "of a test",
        "pw_weak": "on",
        "admin_email": "ann@example.com",
    }
    url = "http://127.0.0.1/wp-admin/install.php?step=2"
    assert "Success" in httpx.post(url, data=form, trust_env=False, timeout=60).text
    assert "A mesh" in get(80).text
    sql = "SELECT user_login FROM wp_users"
    client = ("mysql", "-h127.0.0.1", "-uwordpress", "-pwordpress", "-Ne", sql, "wordpress")
    assert it.exec("db", *client).strip() == "ann"


def nextcloud(it: Case) -> None:
    assert get(80, "/status.php").json() == {"installed": True, "database": 1, "cache": 1}
    assert it.exec("nc", "cat", "data/visits").strip() == "1"
    assert it.exec("redis", "redis-cli", "get", "visits").strip() == "1"
    sql = "SELECT @@tx_isolation, @@binlog_format"
    client = ("mysql", "-h127.0.0.1", "-unextcloud", "-pnextcloud", "-Ne", sql)
    assert it.exec("db", *client).split() == ["READ-COMMITTED", "ROW"]


def pgadmin(it: Case) -> None:
    with pg8000.native.Connection("yourUser", password="changeit", port=5432, database="postgres") as connection:
        assert connection.run("SELECT current_user") == [["yourUser"]]
    get(5050, "/misc/ping")
    server = {"host": "postgres", "user": "yourUser", "password": "changeit", "dbname": "postgres"}
    asked = {"email": "your@email.com", "password": "changeit", "server": server, "sql": "SELECT 40 + 2"}
    answer = httpx.post("http://127.0.0.1:5050/query", json=asked, trust_env=False, timeout=10)
    assert answer.json() == [[42]]
    assert docker("inspect", "-f", "{{.Name}}", "pgadmin").strip() == "/pgadmin"


def grafana(it: Case) -> None:
    config = get(9090, "/api/v1/status/config").json()["data"]["yaml"]
    assert "mesh: prometheus-grafana" in config
    auth = httpx.BasicAuth("admin", "grafana")
    (source,) = get(3000, "/api/datasources", auth=auth).json()
    assert source["url"] == "http://prometheus:9090"

    def scraped() -> None:
        answer = get(3000, "/api/datasources/proxy/1/api/v1/query?query=up", auth=auth).json()
        (row,) = answer["data"]["result"]
        assert row["value"][1] == "1"

    def look() -> None:
        try:
            scraped()
        except ValueError as exc:
            raise AssertionError("nothing scraped yet") from exc

    eventually(look)
    assert get(3000, "/api/datasources", auth=httpx.BasicAuth("admin", "wrong")).status_code == 401


def php(it: Case) -> None:
    assert get(80).text.startswith("Hello World from PHP")
    (it.directory / "app" / "new.php").write_text("<?php echo 'new';")
    assert get(80, "/new.php").text == "new"


def fastapi(it: Case) -> None:
    assert get(8000).json() == {"message": "Hello World"}
    assert docker("inspect", "-f", "{{.State.Running}}", "fastapi-application").strip() == "true"


def django(it: Case) -> None:
    text = get(8000).text
    assert text.startswith("Hello from Django at /")
    assert "manage.py" in text
    assert "Dockerfile" not in text


def wsgi(it: Case) -> None:
    assert get(80).text.startswith("Hello from gunicorn")
    assert {row["Health"] for row in it.rows().values()} == {"healthy"}


def found_by_labels(it: Case) -> None:
    assert get(80).text == "Hello from Go, behind a proxy that found it by its labels"
    assert get(80, "/nowhere").status_code == 404


def built_with_arguments(it: Case) -> None:
    said = {"database": "example", "environment": "development", "builtFor": "development", "version": "1.2.3"}
    assert get(80).json() == {**said, "words": "Hello"}
    assert get(3000).text == "installed\n"
    assert "Protocol-Version" in get(9229, "/json/version").json()
    (it.directory / "backend" / "src" / "words.json").write_text('{"hello": "Hello again"}')

    def seen() -> None:
        assert get(80).json()["words"] == "Hello again"

    eventually(seen)
    assert it.devbox("exec", "-T", "backend", "touch", "src/words.json").returncode != 0
    assert it.devbox("exec", "-T", "frontend", "getent", "hosts", "db").returncode != 0
    assert it.exec("backend", "cat", "/run/secrets/db-password") == "db-btf5q"


CASES: dict[str, tuple[Callable[[Case], None], tuple[str, ...]]] = {
    "nginx-flask-mysql": (flask_with_a_secret, ("mariadb", "python", "nginx")),
    "nginx-golang-postgres": (go_with_a_secret, ("postgres", "golang", "nginx")),
    "react-rust-postgres": (two_networks_and_a_cache, ("postgres", "node", "python")),
    "nginx-nodejs-redis": (balanced, ("redis", "node", "nginx")),
    "react-express-mysql": (built_with_arguments, ("mariadb", "node")),
    "flask-redis": (source_from_the_host, ("redis", "python")),
    "wordpress-mysql": (wordpress, ("mariadb", "wordpress")),
    "nextcloud-redis-mariadb": (nextcloud, ("mariadb", "redis", "nextcloud")),
    "postgresql-pgadmin": (pgadmin, ("postgres", "pgadmin")),
    "prometheus-grafana": (grafana, ("prometheus", "grafana")),
    "apache-php": (php, ("php",)),
    "fastapi": (fastapi, ("python",)),
    "django": (django, ("python",)),
    "nginx-wsgi-flask": (wsgi, ("nginx", "python")),
    "traefik-golang": (found_by_labels, ("traefik", "golang")),
}


@pytest.mark.parametrize("name", CASES)
def test_up_serves_and_down_leaves_nothing(engine: None, tmp_path: Path, name: str) -> None:
    serves, images = CASES[name]
    build(*images)
    before = everything()
    it = case(name, tmp_path)
    try:
        it.up()
        serves(it)
        assert it.ok("up", "--plan").strip() == "nothing to do"
        it.down()
        assert it.left(before) == []
    finally:
        it.end()
