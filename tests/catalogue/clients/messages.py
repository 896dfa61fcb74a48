"""Messages: what was said first under a key is read again, and stays."""

from __future__ import annotations

import asyncio
import time
import urllib.parse
from typing import Any

from talk import given


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
