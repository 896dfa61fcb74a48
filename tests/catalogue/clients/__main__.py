"""The servers of the catalogue, spoken to in their own protocols: `python3 clients KIND write KEY VALUE`,
`... read KEY...`, and `... server` for what a server says it is.

Run as a folder, on this machine and in containers alike; where the server is, the environment says in `STORE_` and an
export's name. What was not written reads as nothing.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from clouds import Aws, Azure
from coordination import Etcd, Registry, Zookeeper
from databases import Cassandra, Memcached, Mongodb, Mysql, Opensearch, Postgres, Redis
from edge import Mailpit, Nginx, Traefik
from identity import Keycloak, Oidc
from messages import Kafka, Mosquitto, Nats, Rabbitmq
from watchers import Collector, Jaeger, Prometheus

KINDS: dict[str, Any] = {
    "postgres": Postgres,
    "mysql": Mysql,
    "mariadb": Mysql,
    "mongodb": Mongodb,
    "cassandra": Cassandra,
    "redis": Redis,
    "valkey": Redis,
    "memcached": Memcached,
    "opensearch": Opensearch,
    "kafka": Kafka,
    "rabbitmq": Rabbitmq,
    "nats": Nats,
    "mosquitto": Mosquitto,
    "aws": Aws,
    "azure": Azure,
    "oidc": Oidc,
    "keycloak": Keycloak,
    "prometheus": Prometheus,
    "nginx": Nginx,
    "traefik": Traefik,
    "elasticsearch": Opensearch,
    "etcd": Etcd,
    "zookeeper": Zookeeper,
    "registry": Registry,
    "mailpit": Mailpit,
    "otel-collector": Collector,
    "jaeger": Jaeger,
}


def main(kind: str, what: str, *words: str) -> None:
    client = KINDS[kind]()
    match what:
        case "write":
            print(client.write(*words) or "")
        case "read":
            print(json.dumps({key: client.read(key) for key in words}))
        case "server":
            print(client.server())


if __name__ == "__main__":
    main(*sys.argv[1:])
