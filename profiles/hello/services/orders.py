"""Takes orders: stores each in Postgres, and puts it on a Redis list for the worker."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from typing import Any

import redis
from pg8000.exceptions import InterfaceError
from service import Reply, as_json, connect_to_database, end_on_sigterm, log, serve

FIXED_PRICE = 995
queue = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=3, socket_connect_timeout=3)
lock = threading.Lock()
connections: list[Any] = []


def run(sql: str, **values: Any) -> list[Any]:
    """One statement, on a connection that is made anew after a failure."""
    with lock:
        if not connections:
            connections.append(connect_to_database())
        try:
            return connections[0].run(sql, **values) or []
        except (InterfaceError, OSError):
            connections.clear()
            raise


def price_of(item: str) -> int:
    """What an item costs, in cents; a fixed price where there is nobody to ask."""
    url = os.environ.get("PRICES_URL")
    if not url:
        return FIXED_PRICE
    try:
        with urllib.request.urlopen(f"{url}/price?item={item}", timeout=1) as answer:
            return int(json.load(answer)["cents"])
    except (OSError, ValueError, KeyError) as error:
        log("warning", "no price to be had, using the fixed one", item=item, error=str(error))
        return FIXED_PRICE


def create(body: bytes) -> Reply:
    item = str(json.loads(body)["item"])
    cents = price_of(item)
    order = run("INSERT INTO orders (item, cents) VALUES (:item, :cents) RETURNING id", item=item, cents=cents)[0][0]
    queue.rpush("orders", json.dumps({"id": order, "item": item}))
    log("info", "order taken", order=order, item=item, cents=cents)
    return as_json({"id": order, "item": item, "cents": cents}, 201)


def latest(_: bytes) -> Reply:
    rows = run("SELECT id, item, cents, state FROM orders ORDER BY id DESC LIMIT 30")
    total, done = run("SELECT count(*), count(*) FILTER (WHERE state = 'fulfilled') FROM orders")[0]
    orders = [dict(zip(("id", "item", "cents", "state"), row, strict=True)) for row in rows]
    return as_json({"orders": orders, "total": total, "fulfilled": done})


def healthz(_: bytes) -> Reply:
    run("SELECT 1")
    queue.ping()
    return as_json({"status": "ok"})


end_on_sigterm()
serve({("POST", "/orders"): create, ("GET", "/orders"): latest, ("GET", "/healthz"): healthz})
