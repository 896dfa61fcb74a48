"""How orders and what belongs to them reach database, queue and cache: by the addresses that devbox gives them."""

from __future__ import annotations

import os
import urllib.parse

import pg8000.native
import pika

QUEUE = "orders"


def database() -> pg8000.native.Connection:
    """A connection to Postgres."""
    url = urllib.parse.urlparse(os.environ["DATABASE_URL"])
    return pg8000.native.Connection(
        urllib.parse.unquote(url.username or ""),
        host=url.hostname or "",
        port=url.port or 5432,
        password=urllib.parse.unquote(url.password or ""),
        database=urllib.parse.unquote(url.path.lstrip("/")),
        timeout=10,
    )


def queue() -> pika.BlockingConnection:
    """A connection to RabbitMQ on which the queue of orders is there."""
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["QUEUE_URL"]))
    connection.channel().queue_declare(QUEUE, durable=True)
    return connection
