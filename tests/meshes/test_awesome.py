"""Compose files as people have them, with real servers: up, served, down, and the engine is as it was before.

Their images are the stand-ins of tests/images, which have the names that such files use; their ports are the ports of
such files, so nothing else may have those while this runs.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import httpx
import pg8000.native
import pytest
import redis

from tests.docker.remains import everything
from tests.engine.mesh import until
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
    stops_by_an_interrupt(it)
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


def nextcloud_in_postgres(it: Case) -> None:
    assert get(80, "/status.php").json() == {"installed": True, "database": 1, "cache": None}
    assert it.exec("nc", "cat", "data/visits").strip() == "1"
    assert it.exec("db", "psql", "-U", "nextcloud", "-Atc", "SELECT count(*) FROM visits").strip() == "1"


def git_over_http(it: Case) -> None:
    url = "http://127.0.0.1:3000"
    assert get(3000).json() == []
    assert httpx.post(f"{url}/api/v1/repos/things", trust_env=False).status_code == 200
    assert get(3000).json() == ["things"]
    assert it.exec("db", "psql", "-U", "gitea", "-Atc", "SELECT name FROM repository").strip() == "things"
    here = it.directory / "things"

    def git(*args: str) -> str:
        author = ("-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "http.proxy=")
        return subprocess.run(["git", *author, *args], check=True, capture_output=True, text=True, timeout=60).stdout

    git("clone", "-q", f"{url}/things.git", str(here))
    (here / "one").write_text("1")
    git("-C", str(here), "add", "one")
    git("-C", str(here), "commit", "-qm", "The first")
    git("-C", str(here), "push", "-q", "origin", "HEAD:master")
    it.ok("restart", "gitea")
    assert get(3000).json() == ["things"]
    assert "refs/heads/master" in git("ls-remote", f"{url}/things.git")


def flask(it: Case) -> None:
    assert get(8000).text == "Hello World!"
    stops_by_an_interrupt(it)


def stops_by_an_interrupt(it: Case) -> None:
    began = time.monotonic()
    it.ok("stop", "web")
    assert time.monotonic() - began < 8, "an interrupt ends it; only a kill takes longer"
    it.ok("start", "web")


def go_behind_nginx(it: Case) -> None:
    assert get(80, "/deep/down").text == "Hello from Go, asked for /deep/down"


def go_and_mysql(it: Case) -> None:
    assert get(80).json() == [f"Blog post #{n}" for n in range(5)]
    assert rows_of_mysql(it, "blog") == 5


def aspnet(it: Case) -> None:
    assert get(80).json() == [f"Blog post #{n}" for n in range(1, 6)]
    assert rows_of_mysql(it, "blog") == 5


def rows_of_mysql(it: Case, table: str) -> int:
    """How many there are, as the server's own client counts them with the password of the secret."""
    client = f'mysql -h127.0.0.1 -uroot -p"$(cat /run/secrets/db-password)" -Ne "SELECT count(*) FROM {table}" example'
    return int(it.exec("db", "sh", "-c", client))


def flask_and_mongo(it: Case) -> None:
    assert get(80).text == "Hello from MongoDB, visit 1"
    assert get(80).text == "Hello from MongoDB, visit 2"
    assert documents(it, "mesh", "visits") == 2


def react_and_mongo(it: Case) -> None:
    assert get(3000, "/api").json() == []
    httpx.post("http://127.0.0.1:3000/api", content="sweep", trust_env=False, timeout=10)
    assert get(3000, "/api").json() == ["sweep"]
    assert documents(it, "todo", "todos") == 1
    docker("kill", f"{it.manifest}-mongo-1")
    until(lambda: it.rows()["mongo"]["Restarts"] == 1, 20.0, "the restart")
    assert eventually(lambda: documents(it, "todo", "todos")) == 1
    assert it.devbox("exec", "-T", "frontend", "getent", "hosts", "mongo").returncode != 0
    bundled(it, 3000, "frontend/src/index.js", "todos")


def documents(it: Case, database: str, collection: str) -> int:
    """How many there are, as a client beside the server counts them."""
    count = f"print(pymongo.MongoClient()['{database}']['{collection}'].count_documents({{}}))"
    return int(it.exec("mongo", "python3", "-c", f"import pymongo; {count}"))


def bundled(it: Case, port: int, source: str, words: str) -> None:
    """The page's code is made of that source, and a change of it on the host is in the page at once."""
    assert words in get(port, "/bundle.js").text
    assert '<script src="/bundle.js">' in get(port).text
    file = it.directory / source
    file.write_text(file.read_text() + "\nconsole.log('changed on the host');\n")
    assert "changed on the host" in get(port, "/bundle.js").text


def angular(it: Case) -> None:
    bundled(it, 4200, "angular/src/main.js", "Hello from Angular")


def vue(it: Case) -> None:
    bundled(it, 8080, "vuejs/src/main.js", "Hello from Vue")


def react_built(it: Case) -> None:
    assert "React behind nginx" in get(80).text
    assert "Hello from React" in get(80, "/index.js").text
    assert docker("inspect", "-f", "{{.State.Running}}", "frontend").strip() == "true"


def spark(it: Case) -> None:
    assert get(8080).text == "Hello from Spark"


def spark_and_mysql(it: Case) -> None:
    posts = [f"Blog post #{n}" for n in range(1, 5)]
    assert answered(8080).text.split("\n")[:-1] == posts
    assert rows_of_mysql(it, "blog") == 4


def answered(port: int, path: str = "/") -> httpx.Response:
    """What is answered once the database behind it is there, which nothing waits for."""

    def look() -> httpx.Response:
        answer = get(port, path)
        assert answer.status_code == 200
        return answer

    return eventually(look, 60.0)


def spring_and_postgres(it: Case) -> None:
    assert answered(8080).json() == ["Hello from Docker 1"]
    assert answered(8080).json() == ["Hello from Docker 1", "Hello from Docker 2"]
    assert it.exec("db", "psql", "-U", "postgres", "-Atc", "SELECT count(*) FROM greetings", "example").strip() == "2"


def spring_react_and_mysql(it: Case) -> None:
    assert get(3000, "/api").json() == {"id": 1, "name": "Docker"}
    assert rows_of_mysql(it, "greetings") == 1
    bundled(it, 3000, "frontend/src/index.js", "Hello from ")
    assert it.devbox("exec", "-T", "frontend", "getent", "hosts", "db").returncode != 0


def elastic(it: Case) -> None:
    def found() -> None:
        get(9200, "/nginx/_refresh")
        hits = get(5601, "/search/nginx").json()["hits"]["hits"]
        assert sorted(hit["_source"]["message"].split()[6] for hit in hits) == ["/one", "/two"]

    eventually(found, 60.0)
    assert get(9200, "/_cluster/health").json()["number_of_nodes"] == 1
    assert get(5601, "/api/status").json() == {"level": "available"}
    assert docker("inspect", "-f", "{{.State.Running}}", "es", "log", "kib").split() == ["true"] * 3


def engine_by_its_socket(it: Case) -> None:
    containers = get(9000, "/api/endpoints/1/docker/containers/json").json()
    assert ["/portainer"] in [each["Names"] for each in containers]
    it.ok("restart", "portainer")
    assert get(9000, "/api/system/status").json() == {"Version": "stand-in"}
    assert "docker.sock" in it.exec("portainer", "cat", "/data/portainer.json")


def plex(it: Case) -> None:
    assert 'version="docker"' in get(32400, "/identity").text
    assert get(32400, "/library").json() == ["film.txt"]
    assert docker("inspect", "-f", "{{.HostConfig.NetworkMode}}", "plex").strip() == "host"


def minecraft(it: Case) -> None:
    def status() -> bytes:
        with socket.create_connection(("127.0.0.1", 25565), 10) as game:
            game.sendall(b"\x10\x00\xfd\x05\x09localhost\x63\xdd\x01" + b"\x01\x00")
            return game.makefile("rb").read()

    assert b'"protocol": 765' in eventually(lambda: status() or fail("no answer yet"))
    limit = docker("inspect", "-f", "{{.HostConfig.Memory}}", f"{it.manifest}-minecraft-1")
    assert int(limit) == 1536 << 20
    assert (Path(it.env["HOME"]) / "minecraft_data" / "world").is_dir()


def fail(words: str) -> NoReturn:
    raise AssertionError(words)


def name_servers(it: Case) -> None:
    assert looked_up("mesh.example", 5054) == "192.0.2.7"
    assert looked_up("mesh.example", 53) == "192.0.2.7", "it asks the other, at its fixed address"
    assert get(8080, "/admin/api?auth=of-a-test").json() == {"upstreams": ["10.86.53.2#5054", "1.1.1.1"]}
    assert get(8080, "/admin/api?auth=wrong").status_code == 401
    (it.directory / "pihole" / "custom.list").write_text("mesh.example\n")
    it.ok("restart", "pihole")
    assert eventually(lambda: looked_up("mesh.example", 53)) == "0.0.0.0"


def looked_up(name: str, port: int) -> str:
    """The address of a name, by UDP, from the name server at a port of the host."""
    words = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = b"\x12\x34\x01\x00\x00\x01" + bytes(6) + words + b"\x00\x00\x01\x00\x01"

    def ask() -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.connect(("127.0.0.1", port))
            client.send(question)
            answer = client.recv(512)
        assert answer[7], f"no answer: {answer!r}"
        return socket.inet_ntoa(answer[-4:])

    return eventually(ask)


def tunnel(it: Case) -> None:
    assert (
        docker("inspect", "-f", '{{index .HostConfig.Sysctls "net.ipv4.conf.all.src_valid_mark"}}', "wireguard").strip()
        == "1"
    )
    eventually(lambda: "is up" in docker("logs", "wireguard") or fail("not up yet"))
    options = (
        "--network",
        f"{it.project}_default",
        "--cap-add",
        "NET_ADMIN",
        "-e",
        "INTERNAL_SUBNET=10.13.13.0",
        "-v",
        f"{it.directory}/config:/config",
    )
    docker("run", "-d", "--name", "wireguard-peer", *options, "linuxserver/wireguard", "peer")
    try:
        eventually(lambda: docker("exec", "wireguard-peer", "ping", "-c1", "-W1", "10.13.13.1"))
        assert "latest handshake" in docker("exec", "wireguard", "wg", "show")
    finally:
        docker("rm", "-fv", "wireguard-peer")


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
    "nextcloud-postgres": (nextcloud_in_postgres, ("postgres", "nextcloud")),
    "gitea-postgres": (git_over_http, ("postgres", "gitea")),
    "flask": (flask, ("python",)),
    "nginx-golang": (go_behind_nginx, ("nginx", "golang")),
    "nginx-golang-mysql": (go_and_mysql, ("mariadb", "nginx", "golang")),
    "nginx-aspnet-mysql": (aspnet, ("mariadb", "nginx", "python")),
    "nginx-flask-mongo": (flask_and_mongo, ("mongodb", "nginx", "python")),
    "react-express-mongodb": (react_and_mongo, ("mongodb", "web")),
    "angular": (angular, ("web",)),
    "vuejs": (vue, ("web",)),
    "react-nginx": (react_built, ("web", "nginx")),
    "sparkjava": (spark, ("java",)),
    "sparkjava-mysql": (spark_and_mysql, ("java", "mariadb")),
    "spring-postgres": (spring_and_postgres, ("java", "postgres")),
    "react-java-mysql": (spring_react_and_mysql, ("java", "mariadb", "web")),
    "elasticsearch-logstash-kibana": (elastic, ("elasticsearch", "logstash", "kibana")),
    "portainer": (engine_by_its_socket, ("portainer",)),
    "plex": (plex, ("plex",)),
    "minecraft": (minecraft, ("minecraft",)),
    "pihole-cloudflared-DoH": (name_servers, ("pihole", "cloudflared")),
    "wireguard": (tunnel, ("wireguard",)),
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


def test_what_this_engine_cannot_run_is_named_and_leaves_nothing(engine: None, tmp_path: Path) -> None:
    build("mariadb", "nginx")
    before = everything()
    it = case("wasmedge-mysql-nginx", tmp_path)
    try:
        done = it.devbox("up", "-d", "--wait", limit=300.0)
        assert done.returncode == 1
        assert "backend: Unknown runtime specified io.containerd.wasmedge.v1" in done.stderr
        it.down()
        assert it.left(before) == []
    finally:
        it.end()
        docker("image", "rm", "-f", "demo-microservice")
