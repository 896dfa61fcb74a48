"""What comes after the first `up`: data that stays, servers that die, what is run beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docker.remains import everything
from tests.engine.mesh import until
from tests.meshes.case import Case, case, get
from tests.meshes.engine import build, docker, eventually

Make = Callable[[str], Case]


@pytest.fixture
def make(engine: None, tmp_path: Path) -> Iterator[Make]:
    """Makes meshes of the cases; after the test the engine is as it was before."""
    made: list[Case] = []
    before = everything()

    def of(name: str) -> Case:
        made.append(case(name, tmp_path))
        return made[-1]

    yield of
    for each in made:
        each.end()
        assert each.left(before) == []


def titles(it: Case) -> int:
    return int(it.exec("db", "psql", "-Atc", "SELECT count(*) FROM blog", "example"))


def test_data_outlives_down_and_not_down_v(make: Make) -> None:
    build("postgres", "golang", "nginx")
    it = make("nginx-golang-postgres")
    it.up()
    assert len(get(80).json()) == 5
    it.exec("db", "psql", "-qc", "INSERT INTO blog VALUES (99, 'the last one')", "example")
    it.ok("down")
    assert docker("volume", "ls", "-q").split().count("nginx-golang-postgres_db-data") == 1
    it.up()
    assert get(80).json()[-1] == "the last one"
    it.down()
    it.up()
    assert len(get(80).json()) == 5


def test_a_database_that_is_killed_comes_back_with_its_data(make: Make) -> None:
    build("mariadb", "python", "nginx")
    it = make("nginx-flask-mysql")
    it.up()
    assert "Blog post #1" in get(80).text
    docker("kill", f"{it.manifest}-db-1")
    until(lambda: it.rows()["db"]["Restarts"] == 1, 20.0, "the restart")
    until(lambda: it.rows()["db"]["Health"] == "healthy", 30.0, "its health")
    assert "Blog post #1" in get(80).text


def test_migrations_run_before_what_needs_them(make: Make) -> None:
    build("postgres", "python")
    it = make("api-migrations")
    it.up()
    said = get(8000).json()
    assert said == {
        "things": ["migrated"],
        "settings": {"page": 10, "colour": "green"},
        "built": "green",
        "greeting": "a $ and a green one",
        "level": "info",
    }
    assert it.exec("db", "psql", "-h", "127.0.0.1", "-U", "shop", "-Atc", "SHOW max_connections").strip() == "50"
    assert it.rows()["migrate"]["State"] == "completed"
    assert it.ok("run", "--rm", "console").strip() == "1"
    assert it.ok("up", "--plan").strip() == "nothing to do"

    it.env["COLOUR"] = "red"
    it.ok("up", "-d", "--wait", "--build", limit=300.0)
    assert eventually(lambda: get(8000).json()["settings"]["colour"]) == "red"
    assert get(8000).json()["built"] == "red"
    assert get(8000).json()["things"] == ["migrated"]


def test_two_copies_behind_one_name_share_the_work(make: Make) -> None:
    build("redis", "node", "nginx")
    it = make("nginx-nodejs-redis")
    file = it.directory / "compose.yaml"
    one = "    hostname: web1\n    ports:\n      - '81:5000'\n"
    file.write_text(file.read_text().replace(one, "    ports:\n      - '5000'\n"))
    it.ok("up", "-d", "--wait", "--scale", "web1=2", limit=300.0)
    names = [name for name in docker("ps", "--format", "{{.Names}}").split() if "-web1-" in name]
    assert sorted(names) == ["nginx-nodejs-redis-web1-1", "nginx-nodejs-redis-web1-2"]
    found = it.exec("nginx", "getent", "ahostsv4", "web1").split()
    assert len({word for word in found if word.count(".") == 3}) == 2
    assert "Number of visits" in get(80).text
