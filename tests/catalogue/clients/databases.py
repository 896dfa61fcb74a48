"""Databases, caches and search: a key is written and read."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

from talk import given, http, well


def database() -> dict[str, Any]:
    """What a driver of a database wants to know."""
    url = urllib.parse.urlsplit(given("url"))
    user, password, name = (urllib.parse.unquote(part or "") for part in (url.username, url.password, url.path[1:]))
    return {"host": url.hostname, "port": url.port, "user": user, "password": password, "database": name}


class Postgres:
    def _do(self, statement: str, *values: str) -> Any:
        import pg8000.dbapi

        connection = pg8000.dbapi.connect(**database())
        connection.autocommit = True
        try:
            cursor = connection.cursor()
            cursor.execute("create table if not exists kv (k text primary key, v text)")
            cursor.execute(statement, values)
            return cursor.fetchone() if cursor.description else None
        finally:
            connection.close()

    def write(self, key: str, value: str) -> None:
        self._do("insert into kv values (%s, %s)", key, value)

    def server(self) -> str:
        return str(self._do("select version()")[0])

    def read(self, key: str) -> str:
        found = self._do("select v from kv where k = %s", key)
        return found[0] if found else ""


class Mysql:
    def _do(self, statement: str, *values: str) -> Any:
        import pymysql

        connection = pymysql.connect(**database(), autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute("create table if not exists kv (k varchar(99) primary key, v text)")
            cursor.execute(statement, values)
            return cursor.fetchone()

    def write(self, key: str, value: str) -> None:
        self._do("replace into kv values (%s, %s)", key, value)

    def server(self) -> str:
        version = str(self._do("select version()")[0])
        return f"MariaDB {version}" if "MariaDB" in version else f"MySQL {version}"

    def read(self, key: str) -> str:
        found = self._do("select v from kv where k = %s", key)
        return found[0] if found else ""


class Mongodb:
    def _collection(self) -> Any:
        import pymongo

        return pymongo.MongoClient(given("url"), serverSelectionTimeoutMS=10000).get_default_database().kv

    def write(self, key: str, value: str) -> None:
        self._collection().replace_one({"_id": key}, {"_id": key, "v": value}, upsert=True)

    def server(self) -> str:
        about = self._collection().database.client.server_info()
        return (
            f"FerretDB {about['ferretdbVersion'].lstrip('v')}"
            if "ferretdbVersion" in about
            else f"MongoDB {about['version']}"
        )

    def read(self, key: str) -> str:
        return (self._collection().find_one({"_id": key}) or {}).get("v", "")


class Cassandra:
    def _do(self, statement: str, *values: str) -> Any:
        from cassandra.cluster import Cluster

        host, port = given("contact_points").split(":")
        cluster = Cluster([host], port=int(port), connect_timeout=30, control_connection_timeout=30)
        try:
            session = cluster.connect()
            session.default_timeout = 60
            once = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
            session.execute(f"create keyspace if not exists t with replication = {once}")
            session.execute("create table if not exists t.kv (k text primary key, v text)")
            return session.execute(statement, values).one()
        finally:
            cluster.shutdown()

    def write(self, key: str, value: str) -> None:
        self._do("insert into t.kv (k, v) values (%s, %s)", key, value)

    def server(self) -> str:
        return f"Cassandra {self._do('select release_version from system.local').release_version}"

    def read(self, key: str) -> str:
        found = self._do("select v from t.kv where k = %s", key)
        return found.v if found else ""


class Redis:
    def _client(self) -> Any:
        import redis

        return redis.Redis.from_url(given("url"), decode_responses=True)

    def write(self, key: str, value: str) -> None:
        self._client().set(key, value)

    def server(self) -> str:
        return f"Redis {self._client().info('server')['redis_version']}"

    def read(self, key: str) -> str:
        return self._client().get(key) or ""


class Memcached:
    def _client(self) -> Any:
        from pymemcache.client.base import Client

        return Client(given("address"), timeout=5)

    def write(self, key: str, value: str) -> None:
        self._client().set(key, value, noreply=False)

    def server(self) -> str:
        return f"memcached {self._client().version().decode()}"

    def read(self, key: str) -> str:
        return (self._client().get(key) or b"").decode()


class Opensearch:
    def write(self, key: str, value: str) -> None:
        well(http("PUT", f"{given('url')}/kv/_doc/{key}?refresh=true", {"v": value}))

    def server(self) -> str:
        about = well(http("GET", given("url")))["version"]
        return f"{'OpenSearch' if 'distribution' in about else 'Elasticsearch'} {about['number']}"

    def read(self, key: str) -> str:
        status, body, _ = http("GET", f"{given('url')}/kv/_search?q=_id:{key}")
        hits = json.loads(body)["hits"]["hits"] if status == 200 else []
        return hits[0]["_source"]["v"] if hits else ""
