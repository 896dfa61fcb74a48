"""The servers of the catalogue, spoken to in their own protocols: `clients.py KIND write KEY VALUE`, `... read KEY...`,
and `... server` for what a server says it is.

Run on this machine and in containers alike; where the server is, the environment says in `STORE_` and an export's name.
What was not written reads as nothing.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any


def given(export: str) -> str:
    """An export of the server."""
    return os.environ[f"STORE_{export.upper()}"]


def http(method: str, url: str, body: Any = None, **headers: str) -> tuple[int, bytes, Any]:
    """A request past every proxy; status, body and headers."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        named.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, data, named, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read(), exc.headers


def well(answer: tuple[int, bytes, Any]) -> Any:
    """The JSON of an answer that must be well."""
    status, body, _ = answer
    if status >= 300:
        raise RuntimeError(f"{status} {body[:300]!r}")
    return json.loads(body or b"null")


# --- databases


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

    def read(self, key: str) -> str:
        return (self._collection().find_one({"_id": key}) or {}).get("v", "")


class Cassandra:
    def _do(self, statement: str, *values: str) -> Any:
        from cassandra.cluster import Cluster

        host, port = given("contact_points").split(":")
        cluster = Cluster([host], port=int(port), connect_timeout=20)
        try:
            session = cluster.connect()
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


# --- messages: what was said first is read again, and stays


class Kafka:
    def write(self, key: str, value: str) -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(bootstrap_servers=given("bootstrap_servers"))
        producer.send(key, value.encode()).get(timeout=20)
        producer.close()

    def read(self, key: str) -> str:
        from kafka import KafkaConsumer, TopicPartition

        consumer = KafkaConsumer(bootstrap_servers=given("bootstrap_servers"), consumer_timeout_ms=10000)
        try:
            if key not in consumer.topics():
                return ""
            partition = TopicPartition(key, 0)
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            return next(consumer).value.decode()
        finally:
            consumer.close()


class Rabbitmq:
    def _channel(self) -> Any:
        import pika

        channel = pika.BlockingConnection(pika.URLParameters(given("amqp_url"))).channel()
        return channel

    def write(self, key: str, value: str) -> None:
        import pika

        channel = self._channel()
        channel.confirm_delivery()
        channel.queue_declare(key, durable=True)
        channel.basic_publish("", key, value.encode(), pika.BasicProperties(delivery_mode=2))
        channel.connection.close()

    def server(self) -> str:
        channel = self._channel()
        about = channel.connection._impl.server_properties
        channel.connection.close()
        return f"{about['product']} {about['version']}"

    def read(self, key: str) -> str:
        channel = self._channel()
        channel.queue_declare(key, durable=True)
        frame, _, body = channel.basic_get(key)
        if frame is not None:
            channel.basic_nack(frame.delivery_tag, requeue=True)
        channel.connection.close()
        return (body or b"").decode()


class Nats:
    async def _version(self) -> str:
        import nats

        client = await nats.connect(given("url"))
        try:
            found = client.connected_server_version
            return f"NATS {found.major}.{found.minor}.{found.patch}"
        finally:
            await client.close()

    async def _do(self, key: str, value: str | None) -> str:
        import nats
        from nats.js.errors import NotFoundError

        client = await nats.connect(given("url"))
        try:
            stream = client.jetstream()
            if value is not None:
                await stream.add_stream(name=key, subjects=[f"{key}.words"])
                await stream.publish(f"{key}.words", value.encode())
                return ""
            return (await stream.get_last_msg(key, f"{key}.words")).data.decode()
        except NotFoundError:
            return ""
        finally:
            await client.close()

    def write(self, key: str, value: str) -> None:
        asyncio.run(self._do(key, value))

    def server(self) -> str:
        return asyncio.run(self._version())

    def read(self, key: str) -> str:
        return asyncio.run(self._do(key, None))


class Mosquitto:
    def _client(self) -> Any:
        import paho.mqtt.client as mqtt

        url = urllib.parse.urlsplit(given("mqtt_url"))
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.connect(url.hostname or "", url.port or 0)
        client.loop_start()
        return client

    def write(self, key: str, value: str) -> None:
        client = self._client()
        client.publish(key, value, qos=1, retain=True).wait_for_publish(10)
        client.disconnect()

    def server(self) -> str:
        return self.read("$SYS/broker/version").replace("mosquitto version", "Mosquitto")

    def read(self, key: str) -> str:
        heard: list[str] = []
        client = self._client()
        client.on_message = lambda _client, _data, message: heard.append(message.payload.decode())
        client.subscribe(key, qos=1)
        deadline = time.monotonic() + 2
        while not heard and time.monotonic() < deadline:
            time.sleep(0.02)
        client.disconnect()
        return heard[0] if heard else ""


# --- clouds


class Aws:
    def _service(self, name: str) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            name,
            endpoint_url=given("endpoint_url"),
            region_name=given("region"),
            aws_access_key_id=given("access_key"),
            aws_secret_access_key=given("secret_key"),
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )

    def write(self, key: str, value: str) -> None:
        store, queues = self._service("s3"), self._service("sqs")
        store.create_bucket(Bucket=key)
        store.put_object(Bucket=key, Key="word", Body=value.encode())
        queue = queues.create_queue(QueueName=key)["QueueUrl"]
        queues.send_message(QueueUrl=queue, MessageBody=value)

    def read(self, key: str) -> str:
        store, queues = self._service("s3"), self._service("sqs")
        if key not in [bucket["Name"] for bucket in store.list_buckets()["Buckets"]]:
            return ""
        queue = queues.get_queue_url(QueueName=key)["QueueUrl"]
        said = queues.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0]["Body"]
        stored = store.get_object(Bucket=key, Key="word")["Body"].read().decode()
        return stored if stored == said else f"{stored} is not {said}"


class Azure:
    def _services(self) -> tuple[Any, Any]:
        from azure.storage.blob import BlobServiceClient
        from azure.storage.queue import QueueServiceClient

        text = given("connection_string")
        return BlobServiceClient.from_connection_string(text), QueueServiceClient.from_connection_string(text)

    def write(self, key: str, value: str) -> None:
        blobs, queues = self._services()
        blobs.create_container(key).upload_blob("word", value.encode())
        queues.create_queue(key).send_message(value)

    def server(self) -> str:
        _, _, headers = http("GET", f"{given('url')}?comp=list")
        return str(headers["Server"]).replace("-Blob/", " ")

    def read(self, key: str) -> str:
        blobs, queues = self._services()
        if key not in [container.name for container in blobs.list_containers()]:
            return ""
        said = queues.get_queue_client(key).peek_messages()[0].content
        stored = blobs.get_blob_client(key, "word").download_blob().readall().decode()
        return stored if stored == said else f"{stored} is not {said}"


# --- identity: a token is asked for and proven, as the services that are handed it do


def claims(token: str) -> dict[str, Any]:
    """What a token says, once its signature and issuer are proven by what the server publishes."""
    import jwt

    keys = well(http("GET", given("jwks_url")))["keys"]
    wanted = jwt.get_unverified_header(token)["kid"]
    key = next(jwt.PyJWK(each) for each in keys if each["kid"] == wanted)
    options: Any = {"verify_aud": False}
    return dict(jwt.decode(token, key.key, algorithms=["RS256"], issuer=given("issuer"), options=options))


class Oidc:
    """It is told nothing: whoever asks is given a token, and that is proven."""

    def write(self, key: str, value: str) -> str:
        return self.read(key)

    def read(self, key: str) -> str:
        form = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "any", "scope": "all"}
        body = urllib.parse.urlencode(form).encode()
        answer = well(http("POST", given("token_url"), body, Content_Type="application/x-www-form-urlencoded"))
        return f"a token of {claims(answer['access_token'])['iss']}"


class Keycloak:
    def _token(self) -> str:
        form = {
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": given("user"),
            "password": given("password"),
        }
        body = urllib.parse.urlencode(form).encode()
        answer = well(http("POST", given("token_url"), body, Content_Type="application/x-www-form-urlencoded"))
        claims(answer["access_token"])
        return f"Bearer {answer['access_token']}"

    def write(self, key: str, value: str) -> None:
        body = {"realm": key, "displayName": value, "enabled": True}
        well(http("POST", f"{given('url')}/admin/realms", body, Authorization=self._token()))

    def server(self) -> str:
        about = well(http("GET", f"{given('url')}/admin/serverinfo", Authorization=self._token()))
        return f"Keycloak {about['systemInfo']['version']}"

    def read(self, key: str) -> str:
        status, body, _ = http("GET", f"{given('url')}/admin/realms/{key}", Authorization=self._token())
        return json.loads(body)["displayName"] if status == 200 else ""


# --- what looks at others, and what stands before them


class Prometheus:
    """It is told nothing: what it knew first of itself, it must know as long as it keeps its data."""

    def _first(self) -> str:
        query = urllib.parse.urlencode({"query": 'min_over_time(timestamp(up{job="prometheus"})[2h:1s])'})
        found = well(http("GET", f"{given('url')}/api/v1/query?{query}"))["data"]["result"]
        return str(found[0]["value"][1]) if found else ""

    def write(self, key: str, value: str) -> str:
        deadline = time.monotonic() + 60
        while not (first := self._first()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return first

    def server(self) -> str:
        return f"Prometheus {well(http('GET', given('url') + '/api/v1/status/buildinfo'))['data']['version']}"

    def read(self, key: str) -> str:
        return self._first()


class Nginx:
    """It is told nothing: it spreads its callers over two replicas, each of which says who it is."""

    def write(self, key: str, value: str) -> str:
        return self.read(key)

    def server(self) -> str:
        return str(http("GET", given("url"))[2]["Server"]).replace("/", " ")

    def read(self, key: str) -> str:
        answers = [http("GET", given("url")) for _ in range(20)]
        bad = [status for status, _, _ in answers if status != 200]
        return str(bad) if bad else f"{len({body for _, body, _ in answers})} replicas"


class Traefik(Nginx):
    def server(self) -> str:
        about = well(http("GET", urllib.parse.urljoin(given("dashboard_url"), "/api/version")))
        return f"Traefik {about['Version']}"


# --- coordination and the rest


class Etcd:
    def _do(self, what: str, **fields: str) -> Any:
        body = {name: base64.b64encode(text.encode()).decode() for name, text in fields.items()}
        return well(http("POST", f"{given('url')}/v3/kv/{what}", body))

    def write(self, key: str, value: str) -> None:
        self._do("put", key=key, value=value)

    def server(self) -> str:
        return f"etcd {well(http('GET', given('url') + '/version'))['etcdserver']}"

    def read(self, key: str) -> str:
        found = self._do("range", key=key).get("kvs")
        return base64.b64decode(found[0]["value"]).decode() if found else ""


class Zookeeper:
    def _client(self) -> Any:
        from kazoo.client import KazooClient

        client = KazooClient(given("connect_string"), timeout=10)
        client.start(timeout=15)
        return client

    def write(self, key: str, value: str) -> None:
        client = self._client()
        client.create(f"/{key}", value.encode())
        client.stop()

    def read(self, key: str) -> str:
        client = self._client()
        found = client.get(f"/{key}")[0].decode() if client.exists(f"/{key}") else ""
        client.stop()
        return str(found)


class Registry:
    _KIND = "application/vnd.oci.image.manifest.v1+json"

    def write(self, key: str, value: str) -> None:
        import hashlib

        blob = json.dumps(
            {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
        ).encode()
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        _, _, headers = http("POST", f"{given('url')}/v2/{key}/blobs/uploads/", b"")
        place = urllib.parse.urljoin(given("url"), headers["Location"])
        octets = "application/octet-stream"
        status, body, _ = http("PUT", f"{place}&digest={urllib.parse.quote(digest)}", blob, Content_Type=octets)
        if status != 201:
            raise RuntimeError(f"{status} {body!r}")
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(blob)}
        manifest = {
            "schemaVersion": 2,
            "mediaType": self._KIND,
            "config": config,
            "layers": [],
            "annotations": {"v": value},
        }
        status, body, _ = http("PUT", f"{given('url')}/v2/{key}/manifests/one", manifest, Content_Type=self._KIND)
        if status != 201:
            raise RuntimeError(f"{status} {body!r}")

    def read(self, key: str) -> str:
        status, body, _ = http("GET", f"{given('url')}/v2/{key}/manifests/one", Accept=self._KIND)
        return json.loads(body)["annotations"]["v"] if status == 200 else ""


class Mailpit:
    def write(self, key: str, value: str) -> None:
        import smtplib
        from email.message import EmailMessage

        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", key
        message.set_content(value)
        with smtplib.SMTP(given("smtp_host"), int(given("smtp_port")), timeout=10) as server:
            server.send_message(message)

    def server(self) -> str:
        return f"Mailpit {well(http('GET', given('api_url') + '/api/v1/info'))['Version'].lstrip('v')}"

    def read(self, key: str) -> str:
        found = well(http("GET", f"{given('api_url')}/api/v1/search?query=subject:{key}"))["messages"]
        return well(http("GET", f"{given('api_url')}/api/v1/message/{found[0]['ID']}"))["Text"].strip() if found else ""


class Jaeger:
    def write(self, key: str, value: str) -> None:
        now = time.time_ns()
        span = {
            "traceId": os.urandom(16).hex(),
            "spanId": os.urandom(8).hex(),
            "name": value,
            "kind": 1,
            "startTimeUnixNano": str(now - 10**6),
            "endTimeUnixNano": str(now),
        }
        name = {"key": "service.name", "value": {"stringValue": key}}
        body = {"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": [span]}]}]}
        well(http("POST", f"{given('otlp_endpoint')}/v1/traces", body))

    def read(self, key: str) -> str:
        found = well(http("GET", f"{given('url')}/api/traces?service={key}"))["data"]
        return found[0]["spans"][0]["operationName"] if found else ""


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
