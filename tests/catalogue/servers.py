"""Which servers the catalogue is proven against, and what is not proven, and why. docs/catalogue.md says the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Booted:
    """An entry for which a real server can be had.

    `server` is its name and the beginning of the version that it gives itself, or that the command `asked`, run where
    it runs, tells of. `image` is the folder of tests/images with its stand-in, `use` what the manifest says. `keeps`:
    its data outlive a restart; `told`: it has any. `console` is what is typed at its prompt, and a regular expression
    for what must be shown then; None where the entry has no prompt. `seed` are files by name, after which the key
    `seeded` reads `yes`. `balances`: it stands before two replicas, which must both be met.
    """

    server: str
    image: str = ""
    use: str = ""
    keeps: bool = True
    told: bool = True
    console: tuple[str, str] | None = None
    seed: tuple[tuple[str, str], ...] = ()
    asked: tuple[str, ...] = ()
    balances: bool = False


_PACKAGES = str(Path(__file__).parents[2] / ".venv" / "npm")
_SQL = ("select 40 + 2;\n", r"\b42\b")
_SHELL = ("echo $((40 + 2))\n", r"\b42\b")
_TABLE = "create table kv (k varchar(99) primary key, v text);\ninsert into kv values ('seeded', 'yes');\n"
_CQL = (
    (
        "words.cql",
        "create keyspace t with replication = {'class': 'SimpleStrategy', 'replication_factor': 1};\n"
        "create table t.kv (k text primary key, v text);\ninsert into t.kv (k, v) values ('seeded', 'yes');\n",
    ),
)
_DOCUMENTS = (("words.js", 'db.kv.insertOne({_id: "seeded", v: "yes"})\n'),)
_WORDS = (("words.redis", "set seeded yes\n"),)

CONTAINERS = {
    "postgres": Booted("PostgreSQL 15", "postgres", console=_SQL, seed=(("01-words.sql", _TABLE),)),
    "mysql": Booted("MariaDB 10.11", "mariadb", console=_SQL, seed=(("01-words.sql", _TABLE),)),
    "mariadb": Booted("MariaDB 10.11", "mariadb", console=_SQL, seed=(("01-words.sql", _TABLE),)),
    "redis": Booted("Redis 7.0", "redis", console=("echo spoken\n", "spoken"), seed=_WORDS),
    "valkey": Booted("Redis 7.0", "valkey", console=("echo spoken\n", "spoken"), seed=_WORDS),
    "memcached": Booted("memcached 1.6", "memcached", keeps=False, console=("version\r\n", r"VERSION \d")),
    "rabbitmq": Booted("RabbitMQ 3.10", "rabbitmq", console=("rabbitmqctl -q list_vhosts\n", r"(?m)^/$")),
    "nats": Booted("NATS 2.9", "nats", console=("PING\r\n", "PONG")),
    "mosquitto": Booted("Mosquitto 2.0", "mosquitto", console=("", r"k\w+ v\w+")),
    "kafka": Booted("Kafka 4.1", "kafka", console=("", r"k[0-9a-f]{8}"), asked=("ls", "/opt/kafka/libs")),
    "zookeeper": Booted(
        "ZooKeeper 3.9", "zookeeper", console=("ls /\n", r"\[.*zookeeper"), asked=("ls", "/apache-zookeeper/lib")
    ),
    "etcd": Booted("etcd 3.4", "etcd", console=("", r"k\w+\nv\w+")),
    "registry": Booted("Distribution 2.8", "registry", console=_SHELL, asked=("registry", "--version")),
    "azure": Booted("Azurite 3.35", "azurite", console=("ls /data\n", "azurite")),
    "aws": Booted("moto 5", "localstack", keeps=False, console=_SHELL, asked=("pip", "show", "moto")),
    "keycloak": Booted("Keycloak 26.4", "keycloak", console=_SHELL),
    "oidc": Booted("mock-oauth2-server 2.2", "oidc", keeps=False, told=False, asked=("ls", "/app/libs")),
    "opensearch": Booted("OpenSearch 2.19", "opensearch", use="opensearch:2", console=_SHELL),
    "elasticsearch": Booted("Elasticsearch 7.10", "elasticsearch", use="elasticsearch:7.17.29", console=_SHELL),
    "mongodb": Booted("FerretDB 1.24", "mongodb", console=("40 + 2\n", r"\b42\b"), seed=_DOCUMENTS),
    "otel-collector": Booted(
        "OpenTelemetry Collector 0.132", "otelcol", keeps=False, asked=("/otelcol-contrib", "--version")
    ),
    "prometheus": Booted("Prometheus 2.42", "prometheus", console=_SHELL),
    "nginx": Booted("nginx 1.22", "nginx", keeps=False, told=False, console=_SHELL, balances=True),
    "traefik": Booted("Traefik 3.7", "traefik3", keeps=False, told=False, console=_SHELL, balances=True),
    "cassandra": Booted(
        "Cassandra 5.0", "cassandra", console=("select key from system.local;\n", r"\blocal\b"), seed=_CQL
    ),
    "mailpit": Booted("Mailpit 1.27", "mailpit", console=_SHELL),
}

PROCESSES = {
    "postgres": Booted("PostgreSQL 18", console=_SQL, seed=(("01-words.sql", _TABLE),)),
    "nats": Booted("NATS 2"),
    "aws": Booted("moto 5", keeps=False, asked=(sys.executable, "-m", "pip", "show", "moto")),
    "azure": Booted("Azurite 3.35"),
    "oidc": Booted(
        "oauth2-mock-server 8",
        keeps=False,
        told=False,
        asked=("npm", "ls", "--prefix", _PACKAGES, "oauth2-mock-server"),
    ),
    "redis": Booted("Redis 6.2", console=("echo spoken\n", "spoken"), seed=_WORDS),
}

NOT_PROVEN = frozenset(
    ("consul", "gcp", "grafana", "jaeger", "jenkins", "kibana", "loki", "minio", "redpanda", "vault")
)
"""What no test boots in a container; docs/catalogue.md says why."""
